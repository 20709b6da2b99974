"""Run a command with an empty tiny ksqlDB beside it: ``python -m tests.ksqldb.serve -- COMMAND …``.

The command gets its address as $STREAMMAGIC_KSQLDB; its exit status is this one's.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ksqldb.tiny import TinyKsql


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.ksqldb.serve", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="listen here; else on any free port")
    parser.add_argument("command", nargs="+", help="what is run, after --")
    given = parser.parse_args(arguments)
    with TinyKsql(port=given.port) as server:
        environment = os.environ | {"STREAMMAGIC_KSQLDB": server.url}
        return subprocess.run(given.command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
