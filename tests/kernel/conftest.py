"""A kernel on the real Flink, for each test its own."""

import os

import pytest
from real_kernel import Kernel


@pytest.fixture
def kernel(cluster):
    started = Kernel(os.environ | cluster.environment)
    started.run("%load_ext streammagic")
    yield started
    started.close()
    cluster.wait_until_idle()
