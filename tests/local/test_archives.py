"""Archives belong to one Java and one set of jars, and never stand in a start's way."""

import os

import pytest

from streammagic.local.archives import Archives
from streammagic.local.java import Java

PRINTS = (("/jars/a.jar", 1, 1.0),)


@pytest.fixture
def archives(tmp_path):
    return Archives.below(tmp_path, Java(tmp_path / "java", "21.0.8"), PRINTS, "-Dx=y")


def test_a_start_without_archive_notes_what_it_loads(archives):
    assert archives.flags("gateway") == (f"-XX:DumpLoadedClassList={archives.folder}/gateway.loaded",)
    assert archives.missing(("gateway",)) == []
    (archives.folder / "gateway.loaded").touch()
    assert archives.missing(("gateway",)) == ["gateway"]


def test_a_start_with_archive_uses_it(archives):
    (archives.folder / "gateway.jsa").touch()
    assert f"-XX:SharedArchiveFile={archives.folder}/gateway.jsa" in archives.flags("gateway")
    assert "-Xshare:auto" in archives.flags("gateway")


def test_a_failed_build_is_logged_remembered_and_harmless(archives, tmp_path, caplog):
    (tmp_path / "java").write_text("#!/bin/sh\necho broken; exit 3\n")
    (tmp_path / "java").chmod(0o755)
    (archives.folder / "gateway.loaded").write_text("java/lang/Object id: 1\n")
    running = []
    archives.build("gateway", running)
    assert running == []
    assert "no archive for the gateway: exit code 3" in caplog.text
    assert archives.flags("gateway") == ()


def test_notes_are_cut_where_they_would_not_be_understood(archives):
    notes = "java/lang/Object id: 1\nx/Y id: 2 super: 1 source: /a home/y.jar\nbeing writ"
    (archives.folder / "gateway.loaded").write_text(notes)
    archives._choose_classes("gateway", archives.folder / "chosen")
    assert (archives.folder / "chosen").read_text() == "java/lang/Object id: 1\n"


def test_another_version_has_another_folder_and_old_ones_go(archives, tmp_path):
    java = Java(tmp_path / "java", "21.0.9")
    os.utime(archives.folder, (1, 1))
    newer = Archives.below(tmp_path, java, PRINTS, "-Dx=y")
    assert newer.folder != archives.folder
    assert archives.folder.exists()
    newest = Archives.below(tmp_path, java, (*PRINTS, ("/jars/b.jar", 2, 1.0)), "-Dx=y")
    assert {path.name for path in tmp_path.iterdir()} == {newer.folder.name, newest.folder.name}
