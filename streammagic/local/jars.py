"""Connector and format jars that a person adds: fetched from Maven once, verified, kept.

They lie in <home>/local/added, laid out as in a Maven repository, beside a manifest that remembers the
SHA-256 of each: the same coordinate is later the same file, or refused, and needs no network.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streammagic import leases
from streammagic.errors import LocalEngineError
from streammagic.local import artifacts, classpath, repository, state
from streammagic.local.settings import TITLE

if TYPE_CHECKING:
    from collections.abc import Callable

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_COORDINATE = re.compile(rf"{_PART}:{_PART}:{_PART}")
_LOCK, _WAIT = "added.lock", 600.0


def add(
    coordinate: str, progress: Callable[[str], None] = lambda _: None, *, dependencies: bool = False
) -> list[Path]:
    """Return the local files of a jar, for Flink's ``ADD JAR``: downloaded at the first call, kept then.

    ``coordinate`` is "group:artifact:version". With ``dependencies`` the jars that it needs at run time
    come along, the jar itself first. What Flink's class path has already is left out, and ``progress`` is
    told so; the list may be empty therefore.

    Raises:
        LocalEngineError: the coordinate is malformed or unknown; the network does not answer; a file is
            not the one that the repository's checksum, or an earlier call, speaks of; on Windows.

    """
    jar = _parse(coordinate)
    have = classpath.ClassPath.of_the_cluster()
    there = have.file_of(jar)
    if there:
        progress(f"{coordinate} is not needed: Flink has {there} on its class path")
        return []
    folder = state.directory() / "added"
    folder.mkdir(exist_ok=True)
    with state.exclusive(_LOCK, wait=_WAIT, what="adding jars"):
        return _Added.read(folder).obtain(jar, have, progress, dependencies=dependencies)


def _parse(coordinate: str) -> artifacts.Jar:
    if not _COORDINATE.fullmatch(coordinate):
        raise LocalEngineError(
            f"{coordinate!r} is not a jar's coordinate.",
            engine=TITLE,
            hint="It is group:artifact:version, such as org.apache.flink:flink-sql-avro:2.3.0.",
        )
    return artifacts.Jar.of(coordinate)


@dataclass(frozen=True)
class _Added:
    """The folder of added jars. ``known`` is the manifest: by coordinate, what is known of a jar.

    - ``sha256``: of its file;
    - ``skipped``: instead of it, the jar of the class path that has its classes;
    - ``dependencies``: the coordinates of what it needs, where that was asked for.
    """

    folder: Path
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> _Added:
        try:
            return cls(folder, json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return cls(folder)

    def obtain(
        self,
        jar: artifacts.Jar,
        have: classpath.ClassPath,
        progress: Callable[[str], None],
        *,
        dependencies: bool,
    ) -> list[Path]:
        """Return the files of a jar and of what it needs, as ``add`` does."""
        own = self._one(jar, have, progress)
        if own is None or not dependencies:
            return [own] if own else []
        entry = self.known[jar.coordinate]
        if "dependencies" not in entry:
            progress(f"looking up what {jar.coordinate} needs")
            with self._scratch() as scratch:
                entry["dependencies"] = repository.dependencies(jar, Path(scratch))
            self._write()
        needed = [self._one(artifacts.Jar.of(other), have, progress) for other in entry["dependencies"]]
        return [own, *(path for path in needed if path)]

    def _one(
        self, jar: artifacts.Jar, have: classpath.ClassPath, progress: Callable[[str], None]
    ) -> Path | None:
        """Return the file of one jar; None where the class path has it."""
        there = have.file_of(jar) or self._skipped(jar, have)
        if there:
            return None
        path = self.folder / jar.path
        remembered = self.known.get(jar.coordinate, {}).get("sha256")
        if remembered and path.is_file() and artifacts.sha256_of(path) == remembered:
            return path
        with self._scratch() as scratch:
            fresh = repository.fetch(jar, Path(scratch), progress)
            received = artifacts.sha256_of(fresh)
            if remembered and received != remembered:
                raise _changed(jar, remembered, received)
            there = have.jar_with_classes_of(fresh)
            if there:
                progress(f"{jar.coordinate} is not needed: its classes are in {there}, on Flink's class path")
                self._note(jar, skipped=there)
                return None
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.replace(path)
        self._note(jar, sha256=received)
        return path

    def _skipped(self, jar: artifacts.Jar, have: classpath.ClassPath) -> str | None:
        there = self.known.get(jar.coordinate, {}).get("skipped")
        return there if there in have.names else None

    def _note(self, jar: artifacts.Jar, **known: str) -> None:
        kept = {
            key: value for key, value in self.known.get(jar.coordinate, {}).items() if key == "dependencies"
        }
        self.known[jar.coordinate] = kept | known
        self._write()

    def _write(self) -> None:
        leases.write_atomically(
            self.folder / "manifest.json", json.dumps(self.known, indent=1, sort_keys=True)
        )

    def _scratch(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(dir=self.folder, prefix=".part-")


def _changed(jar: artifacts.Jar, remembered: str, received: str) -> LocalEngineError:
    return LocalEngineError(
        f"{jar.file_name} is not the file that it was when it was added first.",
        engine=TITLE,
        hint="A released jar never changes: a proxy, a mirror or somebody else has altered it. If you trust "
        f"the new one, remove {jar.coordinate} from {state.directory() / 'added' / 'manifest.json'}.",
        details=f"SHA-256 remembered {remembered}\nSHA-256 received {received}",
    )
