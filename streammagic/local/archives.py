"""Class data sharing: what the JVMs load is kept parsed on disk, so that a start takes half the time.

The first start notes which classes each JVM loads; from these notes one archive per JVM is built by
separate, low-priority processes, so the running cluster is never paused. The JVM checks by itself that
an archive fits its jars and runs without it where it does not: nothing here can make a start fail.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streammagic.local.java import Java

log = logging.getLogger(__name__)

_BUILD_SECONDS = 180
_DIAGNOSTIC = "-XX:+UnlockDiagnosticVMOptions"


@dataclass(frozen=True)
class Archives:
    """The archives that fit one Java and one set of jars."""

    folder: Path
    java: Java
    jars: tuple[Path, ...]
    marker: str  # by which a builder left behind is found

    @classmethod
    def below(
        cls,
        root: Path,
        java: Java,
        prints: tuple[tuple[str, int, float], ...],
        marker: str,
    ) -> Archives:
        """Choose the folder for this Java and these jars; of other folders keep the newest one only.

        An archive is some 250 MB, and two environments may take turns in one home.
        """
        identity = repr((str(java.path), java.version, prints)).encode()
        folder = root / hashlib.sha256(identity).hexdigest()[:12]
        folder.mkdir(parents=True, exist_ok=True)
        others = sorted(set(root.iterdir()) - {folder}, key=lambda other: other.stat().st_mtime)
        for other in others[:-1]:
            shutil.rmtree(other, ignore_errors=True)
        return cls(folder, java, tuple(Path(path) for path, *_ in prints), marker)

    def flags(self, role: str) -> tuple[str, ...]:
        """Return the flags for a start: use the archive, or note what is loaded, or neither."""
        if self._archive(role).is_file():
            return (
                f"-XX:SharedArchiveFile={self._archive(role)}",
                "-Xshare:auto",
                "-Xlog:disable",
                "-Xlog:all=error:stderr",
                _DIAGNOSTIC,
                # Since JDK 20 an archive is moved to a random address by default, which touches all of it.
                "-XX:ArchiveRelocationMode=0",
            )
        if self._failed(role).exists():
            return ()
        return (f"-XX:DumpLoadedClassList={self._notes(role)}",)

    def missing(self, roles: tuple[str, ...]) -> list[str]:
        """Return the roles whose archive is yet to be built from notes of this start."""
        return [role for role in roles if not self._archive(role).is_file() and self._notes(role).is_file()]

    def build(self, role: str, registered: list[subprocess.Popen[bytes]]) -> None:
        """Build one archive (5 to 15 s of one core); its process is in ``registered`` meanwhile.

        A failure is logged and remembered, so that it is not tried at every start.
        """
        classes = self.folder / f"{role}.classes"
        draft = self.folder / f"{role}.part"
        self._choose_classes(role, classes)
        with (self.folder / f"{role}.log").open("wb") as out:
            process = subprocess.Popen(
                self._dump_command(classes, draft),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            registered.append(process)
            try:
                os.setpriority(os.PRIO_PROCESS, process.pid, 19)
                code = process.wait(_BUILD_SECONDS)
            except (subprocess.TimeoutExpired, OSError) as error:
                process.kill()
                process.wait()
                log.warning("the archive of the %s was given up: %s", role, error)
                code = 1
            finally:
                registered.remove(process)
        if code == 0 and draft.is_file():
            draft.replace(self._archive(role))
            self._notes(role).unlink(missing_ok=True)
            log.info("archive of the %s: %.0f MB", role, self._archive(role).stat().st_size / 1e6)
        elif code > 0:  # killed by a signal (a stop) it may be tried again
            self._failed(role).touch()
            log.warning("no archive for the %s: exit code %d, see %s", role, code, out.name)

    def _choose_classes(self, role: str, target: Path) -> None:
        lines = self._notes(role).read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines.pop()  # being written
        # Classes of Flink's own loaders name the jar they came from, and the JVM's parser of these
        # notes ends such a name at its first space.
        if any(" " in line.partition(" source: ")[2].strip() for line in lines):
            lines = [line for line in lines if " source: " not in line]
        target.write_text("".join(lines), encoding="utf-8")

    def _dump_command(self, classes: Path, draft: Path) -> list[str]:
        return [
            str(self.java.path),
            self.marker,
            "-Xshare:dump",
            f"-XX:SharedClassListFile={classes}",
            f"-XX:SharedArchiveFile={draft}",
            "-XX:+UseG1GC",  # the one collector that can write the heap's part; all can read it
            "-Xmx256m",
            "-Xlog:cds=warning,cds+heap=warning:stdout",
            "-cp",
            os.pathsep.join(map(str, self.jars)),
        ]

    def _archive(self, role: str) -> Path:
        return self.folder / f"{role}.jsa"

    def _notes(self, role: str) -> Path:
        return self.folder / f"{role}.loaded"

    def _failed(self, role: str) -> Path:
        return self.folder / f"{role}.failed"
