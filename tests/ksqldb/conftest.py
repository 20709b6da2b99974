"""What the tests of the ksqlDB engine share: the recordings, the stand-in, a tiny server."""

import pytest
from ksqldb import recordings
from ksqldb.standin import StandIn
from ksqldb.tiny import TinyKsql


@pytest.fixture
def shared_ksqldb():
    """The folder of the recordings and test data; skips where it is absent."""
    if not recordings.available():
        pytest.skip(f"no recordings in {recordings.SHARED}")
    return recordings.SHARED


@pytest.fixture
def standin():
    """A server that gives recorded or made up answers."""
    with StandIn() as server:
        yield server


@pytest.fixture
def tiny():
    """A small server that keeps sources, rows and queries; empty at first."""
    with TinyKsql() as server:
        yield server
