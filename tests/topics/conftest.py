"""A schema registry, and topics of one test's own."""

import io
import socket
import threading
import uuid

import fastavro
import pytest
from fake_registry import FakeRegistry, framed

from streammagic.topics import Broker


@pytest.fixture
def registry():
    made = FakeRegistry()
    yield made
    made.close()


@pytest.fixture
def broker(kafka):
    return Broker(kafka)


@pytest.fixture
def topic(broker):
    """A topic with one partition; it is gone afterwards."""
    name = f"t{uuid.uuid4().hex[:8]}"
    broker.create(name)
    yield name
    broker.delete([name])


@pytest.fixture
def avro():
    """What writes Avro data as a serialiser of Confluent's would."""

    def write(number, schema, value):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema), value)
        return framed(number, buffer.getvalue())

    return write


@pytest.fixture
def silent():
    """The address of a server that takes connections and says nothing."""
    server = socket.create_server(("127.0.0.1", 0))
    accepted = []

    def accept():
        try:
            while True:
                accepted.append(server.accept()[0])
        except OSError:
            return

    thread = threading.Thread(target=accept)
    thread.start()
    yield f"127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()
    for one in accepted:
        one.close()
