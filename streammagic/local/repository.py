"""What is asked of Maven repositories: a file with its published checksum, what it needs, its versions.

jgo knows the repositories. It only logs where a checksum does not fit, so checksums are compared here.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from streammagic.errors import LocalEngineError
from streammagic.local import artifacts
from streammagic.local.settings import TITLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streammagic.local.artifacts import Jar

# What a repository may publish beside a file, best first: .sha256 is optional, .sha1 is not
# (https://maven.apache.org/resolver/about-checksums.html).
_CHECKSUMS = ("sha256", "sha1")
_OK = 200
_SHOWN = 6  # versions in a hint
# What a jar is built against, and would not bring: Flink's planner is nested in its loader's jar.
_NEVER = re.compile(r"org\.apache\.flink:flink-(table-planner|clients|test-utils).*")


def fetch(jar: Jar, scratch: Path, progress: Callable[[str], None]) -> Path:
    """Download a jar below ``scratch`` and return its path; it has the checksum that is published of it.

    Raises:
        LocalEngineError: jgo is missing; the jar or its checksum is unknown or does not fit; the network
            does not answer.

    """
    context = artifacts.maven(scratch, artifacts.reporter(jar, progress))
    try:
        # First, so that nothing large is asked for where nothing is known of it.
        kind, published = _published(jar, context)
        path = artifacts.resolve(jar, context)
    except OSError as error:  # requests' errors are OSErrors
        raise _offline(jar, error) from error
    except (RuntimeError, ValueError) as error:
        raise _unknown(jar, context, error) from error
    with path.open("rb") as file:
        received = hashlib.file_digest(file, kind).hexdigest()
    if received != published:
        raise LocalEngineError(
            f"The download of {jar.file_name} does not have the checksum that the repository publishes.",
            engine=TITLE,
            hint="It was cut short or altered on its way; it was thrown away. Try again, or another network.",
            details=f"{kind} published {published}\n{kind} received {received}",
        )
    return path


def dependencies(jar: Jar, scratch: Path) -> list[str]:
    """Return the coordinates of what a jar needs at run time, near and far.

    Raises:
        LocalEngineError: jgo is missing; a description is unknown; the network does not answer.

    """
    context = artifacts.maven(scratch)
    try:
        from jgo.maven import Dependency

        wanted = Dependency(context.project(jar.group, jar.name).at_version(jar.version).artifact())
        _, nodes = context.resolver.get_dependency_list([wanted])
    except OSError as error:
        raise _offline(jar, error) from error
    except (RuntimeError, ValueError) as error:
        raise _unknown(jar, context, error) from error
    found = (node.dep for node in nodes)
    names = [
        f"{other.groupId}:{other.artifactId}:{other.version}"
        for other in found
        if other.type == "jar"
        and not other.classifier
        and not other.optional
        and other.scope in {"compile", "runtime"}
    ]
    return [name for name in names if not _NEVER.fullmatch(name)]


def _published(jar: Jar, context: Any) -> tuple[str, str]:
    from jgo.util import http

    for kind in _CHECKSUMS:
        for root in context.remote_repos.values():
            answer = http.get(f"{root}/{jar.path.as_posix()}.{kind}", timeout=context.timeout)
            # The bare digits, or as `sha1sum` writes them: digits and a file name.
            digits = (
                answer.text.split()[0].lower() if answer.status_code == _OK and answer.text.split() else ""
            )
            if re.fullmatch(r"[0-9a-f]+", digits):
                return kind, digits
    raise RuntimeError(f"no repository has a checksum of {jar.file_name}")


def _offline(jar: Jar, error: Exception) -> LocalEngineError:
    return LocalEngineError(
        f"{jar.coordinate} could not be downloaded: the network or its proxy does not answer.",
        engine=TITLE,
        hint="It is needed once. Add it again when the network is there (HTTPS_PROXY is heeded).",
        cause=f"{type(error).__name__}: {error}",
    )


def _unknown(jar: Jar, context: Any, error: Exception) -> LocalEngineError:
    known = _versions(jar, context)
    return LocalEngineError(
        f"{jar.coordinate} was not found in the Maven repository.",
        engine=TITLE,
        hint=f"The newest versions of {jar.name} are {', '.join(known)}."
        if known
        else f"It has no {jar.group}:{jar.name}; the documentation of a connector gives its group and name.",
        cause=f"{type(error).__name__}: {error}",
    )


def _versions(jar: Jar, context: Any) -> list[str]:
    """Return the newest versions of an artifact, newest first; [] where that can't be told."""
    try:
        project = context.project(jar.group, jar.name)
        project.update()
        return [str(version) for version in project.metadata.versions[: -_SHOWN - 1 : -1]]
    except (OSError, RuntimeError, ValueError):
        return []
