"""The Compose files: valid, closed to other machines, and in agreement with what the code expects."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from streammagic.config import StreamMagic
from streammagic.errors import LocalEngineError
from streammagic.local import artifacts, flink, kafka, kafka_config
from streammagic.local.settings import Settings

ROOT = Path(__file__).parents[1]
FLINK, KSQLDB = (ROOT / f"docker-compose.{name}.yml" for name in ("flink", "ksqldb"))
FILES = (FLINK, KSQLDB)
BYTES = {"m": 2**20, "g": 2**30}
KSQLDB_PORT = 8088


def read(path):
    return yaml.safe_load(path.read_text())


def services(path):
    return read(path)["services"]


def everything():
    return [(path.stem, name, service) for path in FILES for name, service in services(path).items()]


def flink_settings():
    lines = services(FLINK)["jobmanager"]["environment"]["FLINK_PROPERTIES"].splitlines()
    return dict(line.split(": ", 1) for line in lines)


def size(text):
    return int(text[:-1]) * BYTES[text[-1]]


def listeners(text):
    return dict(part.split("://") for part in text.split(","))


@pytest.fixture
def jars_script():
    spec = importlib.util.spec_from_file_location("docker_jars", ROOT / "docker" / "jars.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_valid_by_the_compose_specification(path):
    import jsonschema
    from check_jsonschema.builtin_schemas import get_builtin_schema

    schema = get_builtin_schema("vendor.compose-spec")
    jsonschema.validate(read(path), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"x": {"no-such-key": 1}}}, schema)


@pytest.mark.parametrize(
    ("path", "ports"),
    [
        (FLINK, {Settings.rest_port, Settings.gateway_port, Settings.kafka_port}),
        (KSQLDB, {Settings.kafka_port, KSQLDB_PORT}),
    ],
    ids=("flink", "ksqldb"),
)
def test_the_expected_ports_are_published_on_this_machine_only(path, ports):
    published = [port.split(":") for service in services(path).values() for port in service.get("ports", ())]
    assert {int(host) for _, host, _ in published} == ports
    assert all(address == "127.0.0.1" and host == inside for address, host, inside in published)


@pytest.mark.parametrize(
    ("file", "name", "service"), everything(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_service_is_pinned_bounded_checked_and_waits_for_what_it_needs(file, name, service):
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+\.\d+", service["image"])
    assert size(service["mem_limit"]) <= 2304 * 2**20
    check = service["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= set(check)
    needed = service.get("depends_on", {})
    assert all(need["condition"] == "service_healthy" for need in needed.values())
    assert set(needed) <= set(services(ROOT / f"{file}.yml"))
    assert needed or name == "kafka"


@pytest.mark.parametrize(
    ("path", "name", "image"),
    [
        (FLINK, "kafka", f"apache/kafka:{kafka.VERSION}"),
        (KSQLDB, "kafka", f"apache/kafka:{kafka.VERSION}"),
        *((FLINK, name, f"flink:{artifacts.PINNED[0].version}") for name in ("jobmanager", "taskmanager", "sql-gateway")),
        (KSQLDB, "ksqldb", "confluentinc/ksqldb-server:0.29.0"),
    ],
)  # fmt: skip
def test_versions_are_those_of_the_embedded_engines_and_of_the_ksqldb_that_is_supported(path, name, image):
    assert services(path)[name]["image"] == image


def test_each_health_check_asks_where_its_service_listens():
    found = {name: " ".join(service["healthcheck"]["test"]) for _, name, service in everything()}
    assert f"127.0.0.1:{Settings.kafka_port}" in found["kafka"]
    assert f"127.0.0.1:{Settings.rest_port}/overview" in found["jobmanager"]
    assert f"127.0.0.1:{Settings.rest_port}/overview" in found["taskmanager"]
    assert f"127.0.0.1:{Settings.gateway_port}/v1/info" in found["sql-gateway"]
    assert f"127.0.0.1:{KSQLDB_PORT}/info" in found["ksqldb"]


def test_the_task_manager_is_healthy_only_with_slots():
    (pattern,) = re.findall(r"grep -q '(.+)'", services(FLINK)["taskmanager"]["healthcheck"]["test"][1])
    assert re.search(pattern, '{"taskmanagers":1,"slots-total":16,"slots-available":0}')
    assert not re.search(pattern, '{"taskmanagers":0,"slots-total":0,"slots-available":0}')


def test_flinks_containers_have_kafkas_network_so_that_one_address_is_the_broker_everywhere():
    found = services(FLINK)
    names = {name for name, service in found.items() if service.get("network_mode") == "service:kafka"}
    assert names == set(found) - {"kafka"}
    assert all("ports" not in found[name] for name in names)
    advertised = listeners(found["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"])
    assert advertised["HOST"] == f"127.0.0.1:{Settings.kafka_port}"


def test_flinks_settings_are_those_of_the_embedded_one_where_both_have_them():
    ports = flink.Ports(Settings.rest_port, Settings.gateway_port, 6123)
    embedded = flink.configuration(Settings(), ports, flink.Layout(Path("/x")))
    own = {"taskmanager.numberOfTaskSlots"}  # fewer, in less memory
    own |= {key for key in embedded if key.endswith(("bind-address", "dir"))}
    settings = flink_settings()
    shared = {key for key in settings if key in embedded} - own
    assert len(shared) > 10
    assert {key: settings[key] for key in shared} == {
        key: str(embedded[key]).replace(" ", "") for key in shared
    }


def test_flinks_settings_survive_the_images_way_of_reading_them():
    """It takes all white space out of a line and cuts it at the first colon (docker-entrypoint.sh)."""
    for key, value in flink_settings().items():
        assert re.fullmatch(r"[\w.-]+", key)
        assert not re.search(r"\s|\$", value)


def test_checkpoints_and_savepoints_are_on_one_volume_of_job_manager_and_task_manager():
    found = services(FLINK)
    for name in ("jobmanager", "taskmanager"):
        mounts = [mount.split(":") for mount in found[name]["volumes"]]
        (target,) = [mount[1] for mount in mounts if mount[0] == "flink-state"]
        for kind in ("execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"):
            assert flink_settings()[kind].startswith(f"file://{target}/")
    assert f"chown flink:flink {target} " in " ".join(found["jobmanager"]["entrypoint"])
    assert found["taskmanager"]["depends_on"]["jobmanager"]["condition"] == "service_healthy"


def test_flinks_memory_fits_into_its_containers():
    for name in ("jobmanager", "taskmanager"):
        wanted = size(flink_settings()[f"{name}.memory.process.size"])
        assert wanted <= 0.9 * size(services(FLINK)[name]["mem_limit"])


def test_jars_are_mounted_on_flinks_class_path_from_where_the_script_puts_them(jars_script):
    (source,) = {
        mount.split(":")[0]
        for service in services(FLINK).values()
        for mount in service["volumes"]
        if ":/opt/flink/lib/" in mount
    }
    assert (ROOT / source).resolve() == jars_script.FOLDER.resolve()
    assert sum(f"{source}:/opt/flink/lib/added:ro" in s["volumes"] for s in services(FLINK).values()) == 3


def test_the_script_fetches_the_pinned_connector_and_what_is_asked_for(
    jars_script, tmp_path, monkeypatch, capsys
):
    asked = []

    def fetch(name):
        asked.append(name)
        path = tmp_path / name
        path.write_bytes(b"jar")
        path.chmod(0o600)
        return path

    monkeypatch.setattr(jars_script, "FOLDER", tmp_path / "jars")
    monkeypatch.setattr(artifacts, "obtain_all", lambda jars, *_: [fetch(jar.file_name) for jar in jars])
    monkeypatch.setattr(jars_script.jars, "add", lambda coordinate, _: [fetch(coordinate.split(":")[1])])
    assert jars_script.main(["g:avro:1"]) == 0
    assert asked == ["flink-sql-connector-kafka-5.0.0-2.2.jar", "avro"]
    assert artifacts.PINNED[1].file_name == asked[0]
    assert sorted(path.name for path in (tmp_path / "jars").iterdir()) == sorted(asked)
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in (tmp_path / "jars").iterdir())
    assert "is in" in capsys.readouterr().out


def test_the_script_says_what_is_wrong(jars_script, monkeypatch, capsys):
    def refuse(*_):
        raise LocalEngineError("no network", hint="later")

    monkeypatch.setattr(artifacts, "obtain_all", refuse)
    assert jars_script.main([]) == 1
    assert capsys.readouterr().err == "no network\nlater\n"


def test_the_broker_is_the_same_in_both_files_but_for_its_ports():
    one, other = (services(path)["kafka"] | {"ports": None} for path in FILES)
    assert one == other


def test_kafkas_settings_are_those_of_the_embedded_one_where_both_have_them():
    environment = services(KSQLDB)["kafka"]["environment"]
    settings = {key[6:].lower().replace("_", "."): value for key, value in environment.items()}
    embedded = kafka_config.configuration(kafka_config.Ports(9092, 29093), "data")
    own = {key for key in embedded if "listener" in key} | {"log.dirs"}
    shared = {key for key in settings if key in embedded} - own
    assert len(shared) > 10
    assert {key: str(settings[key]) for key in shared} == {key: str(embedded[key]) for key in shared}
    assert set(kafka_config._alone()) - set(settings) <= {
        "auto.create.topics.enable",  # on by default
        "broker.session.timeout.ms",
        "broker.heartbeat.interval.ms",
        "metadata.max.idle.interval.ms",
    }


def test_kafka_is_reached_from_the_host_and_from_inside():
    environment = services(KSQLDB)["kafka"]["environment"]
    advertised = listeners(environment["KAFKA_ADVERTISED_LISTENERS"])
    bound = listeners(environment["KAFKA_LISTENERS"])
    assert advertised == {"HOST": f"127.0.0.1:{Settings.kafka_port}", "INSIDE": "kafka:29092"}
    assert set(bound) == set(advertised) | {"CONTROLLER"}
    assert all(bound[name].split(":")[1] == where.split(":")[1] for name, where in advertised.items())
    assert bound["CONTROLLER"].startswith("127.0.0.1:")
    protocols = dict(
        pair.split(":") for pair in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    )
    assert protocols == dict.fromkeys(bound, "PLAINTEXT")
    assert environment["KAFKA_CONTROLLER_QUORUM_VOTERS"] == f"1@{bound['CONTROLLER']}"
    assert services(KSQLDB)["ksqldb"]["environment"]["KSQL_BOOTSTRAP_SERVERS"] == advertised["INSIDE"]


def test_ksqldb_listens_on_its_published_port():
    environment = services(KSQLDB)["ksqldb"]["environment"]
    assert environment["KSQL_LISTENERS"].endswith(f":{KSQLDB_PORT}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_named_volumes_are_declared(path):
    used = {
        mount.split(":")[0]
        for service in services(path).values()
        for mount in service.get("volumes", ())
        if not mount.startswith(".")
    }
    assert used == set(read(path)["volumes"])


@pytest.mark.parametrize(
    ("path", "names"),
    [(FLINK, {"flink_gateway", "flink_rest", "kafka_bootstrap"}), (KSQLDB, {"ksqldb", "kafka_bootstrap"})],
    ids=("flink", "ksqldb"),
)
def test_the_head_names_settings_that_there_are_with_addresses_that_are_published(path, names):
    head = path.read_text().partition("\nname:")[0]
    exported = dict(re.findall(r"export STREAMMAGIC_(\w+)=(\S+)", head))
    assert {name.lower() for name in exported} == names
    assert names <= set(StreamMagic.class_trait_names())
    ports = {
        port.rpartition(":")[2] for service in services(path).values() for port in service.get("ports", ())
    }
    assert all(
        "127.0.0.1:" in address and address.rpartition(":")[2] in ports for address in exported.values()
    )
    assert f"-f {path.name} up -d --wait" in head
