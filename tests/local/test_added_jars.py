"""Jars that a person adds are verified and remembered (that Flink has use of them: ``test_cluster``)."""

import hashlib
import io
import socket
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from jgo.maven import MavenContext

from streammagic.errors import LocalEngineError
from streammagic.local import artifacts, classpath, jars

POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>
<dependencies>{}</dependencies></project>"""
DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version><scope>{}</scope></dependency>"


def a_jar(*classes):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "")
        for name in classes:
            jar.writestr(f"{name}.class", name)
    return file.getvalue()


class Repository:
    """A Maven repository on this machine; ``asked`` are the paths it was asked for."""

    def __init__(self, root):
        self.root = root
        self.asked = []

    def publish(self, coordinate, content, needs=(), kinds=("sha1",)):
        jar = artifacts.Jar.of(coordinate)
        path = self.root / jar.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        for kind in kinds:
            (path.parent / f"{path.name}.{kind}").write_text(hashlib.new(kind, content).hexdigest())
        needed = "".join(DEPENDENCY.format(*other.split(":"), scope) for other, scope in needs)
        path.with_suffix(".pom").write_text(POM.format(jar.group, jar.name, jar.version, needed))
        return path

    def name_versions(self, group, name, *versions):
        folder = self.root.joinpath(*group.split("."), name)
        folder.mkdir(parents=True, exist_ok=True)
        listed = "".join(f"<version>{version}</version>" for version in versions)
        (folder / "maven-metadata.xml").write_text(
            f"<metadata><groupId>{group}</groupId><artifactId>{name}</artifactId>"
            f"<versioning><versions>{listed}</versions></versioning></metadata>"
        )


@pytest.fixture
def repository(tmp_path, monkeypatch):
    found = Repository(tmp_path / "repository")
    found.root.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            found.asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=found.root))
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    real = artifacts.maven

    def here(*arguments):
        context = real(*arguments)
        context.remote_repos = {"here": f"http://127.0.0.1:{server.server_port}"}
        return context

    monkeypatch.setattr(artifacts, "maven", here)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def flink(tmp_path, monkeypatch):
    """Stands for the class path: a distribution with a few classes."""
    path = tmp_path / "flink-dist-2.3.0.jar"
    path.write_bytes(a_jar("flink/A", "flink/B", "flink/C"))
    have = classpath.ClassPath((path, tmp_path / "flink-json-2.3.0.jar"))
    monkeypatch.setattr(classpath.ClassPath, "of_the_cluster", lambda: have)


usual = pytest.mark.usefixtures("home", "flink")


@usual
def test_a_jar_is_downloaded_once_and_remembered(repository, home):
    content = a_jar("x/Y")
    repository.publish("g.h:n:1.0", content)
    told = []
    (path,) = jars.add("g.h:n:1.0", told.append)
    assert path == home / "local" / "added" / "g" / "h" / "n" / "1.0" / "n-1.0.jar"
    assert path.read_bytes() == content
    assert told[0].startswith("downloading n 1.0")
    assert [p.name for p in path.parents[4].iterdir() if p.name.startswith(".")] == []
    repository.asked.clear()
    assert jars.add("g.h:n:1.0") == [path]
    assert repository.asked == []


@usual
def test_the_best_checksum_that_is_published_decides(repository):
    path = repository.publish("g:n:1", a_jar("x/Y"), kinds=("sha1", "sha256"))
    (path.parent / "n-1.jar.sha1").write_text("0" * 40)
    assert len(jars.add("g:n:1")) == 1
    path = repository.publish("g:n:2", a_jar("x/Y"), kinds=("sha1", "sha256"))
    (path.parent / "n-2.jar.sha256").write_text(f"{'0' * 64}  n-2.jar\n")
    with pytest.raises(LocalEngineError, match="does not have the checksum") as caught:
        jars.add("g:n:2")
    assert f"sha256 published {'0' * 64}" in caught.value.details


@usual
def test_a_file_without_any_checksum_is_refused(repository):
    repository.publish("g:n:1", a_jar("x/Y"), kinds=())
    with pytest.raises(LocalEngineError) as caught:
        jars.add("g:n:1")
    assert "no repository has a checksum of n-1.jar" in caught.value.cause


@usual
def test_a_damaged_file_is_fetched_again_and_another_one_is_refused(repository):
    content = a_jar("x/Y")
    repository.publish("g:n:1", content)
    (path,) = jars.add("g:n:1")
    path.write_bytes(b"half a j")
    assert jars.add("g:n:1") == [path]
    assert path.read_bytes() == content
    path.unlink()
    repository.publish("g:n:1", a_jar("x/Other"))
    with pytest.raises(LocalEngineError, match="not the file that it was") as caught:
        jars.add("g:n:1")
    assert hashlib.sha256(content).hexdigest() in caught.value.details
    assert not path.exists()


@usual
@pytest.mark.usefixtures("repository")
def test_an_unknown_artifact_is_said(capfd):
    with pytest.raises(LocalEngineError, match="g:n:9 was not found") as caught:
        jars.add("g:n:9")
    assert "It has no g:n" in caught.value.hint
    assert capfd.readouterr() == ("", "")  # jgo would warn there


@usual
def test_an_unknown_version_is_said_with_the_known_ones(repository):
    repository.name_versions("g", "n", "1.0", "1.1", "2.0")
    with pytest.raises(LocalEngineError, match="g:n:9 was not found") as caught:
        jars.add("g:n:9")
    assert caught.value.hint == "The newest versions of n are 2.0, 1.1, 1.0."


@usual
@pytest.mark.parametrize("coordinate", ["g:n", "g:n:1:jar", "", "../g:n:1", "g:n:1 ", "g::1", "g:n:'1'"])
def test_a_malformed_coordinate_is_refused(coordinate):
    with pytest.raises(LocalEngineError, match="not a jar's coordinate") as caught:
        jars.add(coordinate)
    assert "group:artifact:version" in caught.value.hint


@usual
def test_offline_is_said_and_what_is_remembered_needs_no_network(repository, monkeypatch):
    repository.publish("g:n:1", a_jar("x/Y"))
    path = jars.add("g:n:1")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        monkeypatch.setattr(artifacts, "maven", lambda *_: MavenContext(remote_repos={"gone": url}))
        assert jars.add("g:n:1") == path
        with pytest.raises(LocalEngineError, match="g:n:2 could not be downloaded") as caught:
            jars.add("g:n:2")
    assert caught.value.cause.startswith("ConnectionError")
    assert "HTTPS_PROXY" in caught.value.hint


@usual
def test_what_the_class_path_has_is_told_and_not_added(repository):
    told = []
    assert jars.add("org.apache.flink:flink-json:1.19.0", told.append) == []
    assert told == [
        "org.apache.flink:flink-json:1.19.0 is not needed: Flink has flink-json-2.3.0.jar on its class path"
    ]
    assert repository.asked == []
    repository.publish("g:n:1", a_jar("flink/A", "flink/B", "new/C"))
    assert jars.add("g:n:1", told.append) == []
    assert "its classes are in flink-dist-2.3.0.jar" in told[-1]
    repository.publish("g:n:2", a_jar("flink/A", "new/B", "new/C"))
    assert len(jars.add("g:n:2")) == 1


@usual
def test_dependencies_come_along_but_not_what_flink_has(repository):
    repository.publish(
        "g:n:1",
        a_jar("x/Y"),
        needs=[("g:core:1", "compile"), ("g:dist:2", "compile"), ("g:api:1", "provided"), ("g:t:1", "test")],
    )
    repository.publish("g:core:1", a_jar("x/Core"), needs=[("g:driver:3", "runtime")])
    repository.publish("g:driver:3", a_jar("x/Driver"))
    repository.publish("g:dist:2", a_jar("flink/A", "flink/B"))
    assert [path.name for path in jars.add("g:n:1")] == ["n-1.jar"]
    names = [path.name for path in jars.add("g:n:1", dependencies=True)]
    assert (names[0], sorted(names[1:])) == ("n-1.jar", ["core-1.jar", "driver-3.jar"])
    repository.asked.clear()
    assert [path.name for path in jars.add("g:n:1", dependencies=True)] == names
    assert repository.asked == []
