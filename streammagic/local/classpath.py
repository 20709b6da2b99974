"""What Flink's class path has: a jar that is there already must not be added once more."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from streammagic.local import artifacts, state

if TYPE_CHECKING:
    from streammagic.local.artifacts import Jar


@dataclass(frozen=True)
class ClassPath:
    """The jars of a cluster; they are opened only when it is asked for their classes."""

    jars: tuple[Path, ...]

    @classmethod
    def of_the_cluster(cls) -> ClassPath:
        """Return the class path of the running cluster, or of the one that would be started.

        Raises:
            LocalEngineError: the Flink libraries are not installed.

        """
        found = state.read()
        if found is not None and found.alive("supervisor"):
            return cls(tuple(Path(path) for path, *_ in found.jars))
        return cls((*artifacts.flink_jars(), *artifacts.cached_jars()))

    @property
    def names(self) -> set[str]:
        """The jars' file names."""
        return {jar.name for jar in self.jars}

    def file_of(self, jar: Jar) -> str | None:
        """Return the name of the file that is this artifact, in whatever version, or None."""
        for name in self.names:
            rest = name.removeprefix(f"{jar.name}-")
            if rest != name and rest[:1].isdigit():
                return name
        return None

    def jar_with_classes_of(self, path: Path) -> str | None:
        """Return the name of the jar that has most classes of this file; None where none has.

        Flink's jars are many modules in one, so their names do not tell.
        """
        ours = _classes(path)
        for name, theirs in self._classes.items():
            if ours and len(ours & theirs) * 2 > len(ours):
                return name
        return None

    @cached_property
    def _classes(self) -> dict[str, frozenset[str]]:
        return {jar.name: _classes(jar) for jar in self.jars}


def _classes(path: Path) -> frozenset[str]:
    """Return the classes of a jar; none where it is not one."""
    try:
        with zipfile.ZipFile(path) as jar:
            names = jar.namelist()
    except (OSError, zipfile.BadZipFile):
        return frozenset()
    return frozenset(
        name
        for name in names
        if name.endswith(".class") and not name.startswith("META-INF/") and not name.endswith("-info.class")
    )
