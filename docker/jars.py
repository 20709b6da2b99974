"""Put jars where docker-compose.flink.yml mounts them from, into ``jars/`` beside this file.

    python docker/jars.py [GROUP:ARTIFACT:VERSION …]

The Kafka connector always; further connectors and formats by their coordinates. Each is downloaded once and
verified, as for the embedded Flink; that needs ``pip install 'streammagic[local]'``. Restart the containers
to load them.
"""  # noqa: INP001 - a script

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from streammagic.errors import StreamMagicError
from streammagic.local import artifacts, jars

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).with_name("jars")
CONNECTOR = next(jar for jar in artifacts.PINNED if "kafka" in jar.name)


def main(coordinates: Sequence[str]) -> int:
    """Fetch the jars and copy them; return the exit code."""
    try:
        found = list(artifacts.obtain_all((CONNECTOR,), (0,), CONNECTOR.name, _say))
        for coordinate in coordinates:
            found += jars.add(coordinate, _say)
    except StreamMagicError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    FOLDER.mkdir(exist_ok=True)
    for path in found:
        # Not copy2: the containers' user, another one, must be able to read it.
        target = FOLDER / path.name
        shutil.copyfile(path, target)
        target.chmod(0o644)
        _say(f"{target.name} is in {FOLDER}")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
