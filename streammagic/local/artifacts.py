"""Where the jars come from: a wheel for Flink itself, two more files fetched once and verified."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streammagic.errors import LocalEngineError
from streammagic.local.settings import TITLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    # jgo's: called with a file's name and size, it gives what is called with each number of bytes.
    Reporter = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]

FLINK = "2.3"  # the minor version that the pinned jars belong to
_WHEEL = "apache-flink-libraries"
_AT_ONCE = 4  # downloads of many small files
_INSTALL = "Install it with `pip install 'streammagic[local]'`, then restart the kernel."


@dataclass(frozen=True)
class Jar:
    """One file of the Maven repository, by its coordinates and its SHA-256."""

    group: str
    name: str
    version: str
    sha256: str = ""  # of a jar that is pinned

    @classmethod
    def of(cls, coordinate: str, sha256: str = "") -> Jar:
        """Make one of "group:artifact:version"."""
        group, name, version = coordinate.split(":")
        return cls(group, name, version, sha256)

    @property
    def coordinate(self) -> str:
        """Return "group:artifact:version"."""
        return f"{self.group}:{self.name}:{self.version}"

    @property
    def file_name(self) -> str:
        """The file's name in any Maven repository."""
        return f"{self.name}-{self.version}.jar"

    @property
    def path(self) -> Path:
        """The file's place below a repository's root."""
        return Path(*self.group.split("."), self.name, self.version, self.file_name)


PINNED = (
    Jar(
        "org.apache.flink",
        "flink-sql-gateway",
        "2.3.0",
        "aad296a152dc367ddd70727f5a57dd61958cff3d8dceb1f947bf8d9705c8d724",
    ),
    Jar(
        "org.apache.flink",
        "flink-sql-connector-kafka",
        "5.0.0-2.2",
        "5605c691d11a501382c383fecba37a7a552467da5ab7ba904ef5d6f3d62c5616",
    ),
)


def flink_version() -> str | None:
    """Return the version of the installed Flink libraries, None where there are none."""
    try:
        return importlib.metadata.version(_WHEEL)
    except importlib.metadata.PackageNotFoundError:
        return None


def flink_jars() -> tuple[Path, ...]:
    """Return the jars of the wheel, in an order that does not change.

    Raises:
        LocalEngineError: the wheel is missing, of another version, or incomplete.

    """
    version = flink_version()
    if version is None:
        raise LocalEngineError("The local Flink is not installed here.", engine=TITLE, hint=_INSTALL)
    if not version.startswith(f"{FLINK}."):
        raise LocalEngineError(
            f"The local Flink needs {_WHEEL} {FLINK}, and {version} is installed.",
            engine=TITLE,
            hint=f"Run `pip install '{_WHEEL}=={FLINK}.*'`, then restart the kernel.",
        )
    folder = Path(str(importlib.metadata.distribution(_WHEEL).locate_file("pyflink/lib")))
    jars = tuple(sorted(folder.glob("*.jar")))
    if not any(jar.name.startswith("flink-dist") for jar in jars):
        raise LocalEngineError(
            f"The installation of {_WHEEL} is damaged: {folder} has no flink-dist jar.",
            engine=TITLE,
            hint=f"Run `pip install --force-reinstall {_WHEEL}=={version}`.",
        )
    return jars


def fetched_jars(progress: Callable[[str], None]) -> tuple[Path, ...]:
    """Return the pinned jars, downloaded at the first call and verified at each.

    They lie in the person's ordinary Maven cache (``$M2_REPO`` or ``~/.m2/repository``).

    Raises:
        LocalEngineError: a jar can't be downloaded, or is not the one that was pinned.

    """
    return tuple(_obtain(jar, _cache(), progress) for jar in PINNED)


def obtain_all(
    jars: Sequence[Jar], sizes: Sequence[int], what: str, progress: Callable[[str], None]
) -> tuple[Path, ...]:
    """Return many jars, as ``fetched_jars`` does; ``progress`` is told of them as one download of ``what``.

    Raises:
        LocalEngineError: a jar can't be downloaded, or is not the one that was pinned.

    """
    root = _cache()
    lacking = [not (root / jar.path).is_file() for jar in jars]
    total = sum(size for size, lacks in zip(sizes, lacking, strict=True) if lacks)
    title = f"downloading {what}, {total / 1e6:.1f} MB"
    done = shown = 0
    found = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        paths = pool.map(lambda jar: _obtain(jar, root, lambda _: None), jars)
        if total:
            progress(title)
        for path, size, lacked in zip(paths, sizes, lacking, strict=True):
            found.append(path)
            done += size if lacked else 0
            if total and done * 10 // total > shown:
                shown = done * 10 // total
                progress(f"{title}: {shown * 10} %")
    return tuple(found)


def can_fetch() -> bool:
    """Tell whether the pinned jars are here, or what downloads them is."""
    return importlib.util.find_spec("jgo") is not None or all(
        (_cache() / jar.path).is_file() for jar in PINNED
    )


def cached_jars() -> tuple[Path, ...]:
    """Return the places of the pinned jars, whether they are there or not yet."""
    return tuple(_cache() / jar.path for jar in PINNED)


def maven(scratch: Path, report: Reporter | None = None) -> Any:
    """Return jgo's view of the Maven repositories; what it downloads goes below ``scratch``.

    Raises:
        LocalEngineError: jgo is not installed.

    """
    try:
        from jgo.maven import MavenContext, PythonResolver
    except ImportError:
        raise LocalEngineError(
            "Jars must be downloaded once, and the package jgo that does it is missing.",
            engine=TITLE,
            hint=_INSTALL,
        ) from None
    # What it warns of is raised here, or found out by a checksum; a library prints nothing.
    logging.getLogger("jgo").addHandler(logging.NullHandler())
    return MavenContext(resolver=PythonResolver(progress_callback=report), repo_cache=scratch, timeout=20)


def resolve(jar: Jar, context: Any) -> Path:
    """Download a jar.

    Raises:
        OSError: the network does not answer (requests' errors are OSErrors).
        RuntimeError, ValueError: the repositories do not have it.

    """
    return Path(context.project(jar.group, jar.name).at_version(jar.version).artifact().resolve())


def _cache() -> Path:
    return Path(os.environ.get("M2_REPO") or Path.home() / ".m2" / "repository")


def _obtain(jar: Jar, root: Path, progress: Callable[[str], None]) -> Path:
    path = root / jar.path
    if path.is_file() and sha256_of(path) == jar.sha256:
        return path
    # What lies there may be half-written by another tool. It is replaced in one step, by a file that
    # was verified elsewhere, so nobody ever meets half a jar of ours.
    path.parent.mkdir(parents=True, exist_ok=True)
    found = ""
    for _attempt in range(2):
        with tempfile.TemporaryDirectory(dir=root, prefix=".streammagic-") as scratch:
            fresh = _download(jar, Path(scratch), path, progress)
            found = sha256_of(fresh)
            if found == jar.sha256:
                shutil.move(fresh, path)
                return path
    raise LocalEngineError(
        f"The download of {jar.file_name} is not the file that was expected.",
        engine=TITLE,
        hint="A proxy or mirror may have altered it. Try another network, or put the right file at "
        f"{path} by hand.",
        details=f"SHA-256 expected {jar.sha256}\nSHA-256 received {found}",
    )


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(jar: Jar, scratch: Path, target: Path, progress: Callable[[str], None]) -> Path:
    context = maven(scratch, reporter(jar, progress))
    try:
        return resolve(jar, context)
    except (OSError, RuntimeError, ValueError) as error:
        raise LocalEngineError(
            f"{jar.file_name} could not be downloaded: the network or its proxy does not answer.",
            engine=TITLE,
            hint="It is needed once. Start again when the network is there (HTTPS_PROXY is heeded), or "
            f"put the file at {target} by hand.",
            cause=f"{type(error).__name__}: {error}",
        ) from error


def reporter(jar: Jar, progress: Callable[[str], None]) -> Reporter:
    """Return what jgo tells of a download, as sentences for ``progress``."""

    @contextmanager
    def report(_file: str, total: int) -> Iterator[Callable[[int], None]]:
        what = f"downloading {jar.name} {jar.version}, {total / 1e6:.1f} MB"
        progress(what)
        done = shown = 0

        def advance(count: int) -> None:
            nonlocal done, shown
            done += count
            tenth = done * 10 // total
            if tenth > shown:
                shown = tenth
                progress(f"{what}: {tenth * 10} %")

        yield advance

    return report
