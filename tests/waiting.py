"""Waiting for a condition, never for a time."""

import time

import pytest


def eventually(condition, seconds, what):
    """Poll a condition until it holds, and return its value."""
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)
