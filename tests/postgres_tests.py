"""The server that tests on PostgreSQL run on. Without one they are skipped, and fail under CI."""

import os

import pytest

from postgres_server import NoServer, server


def postgres_url() -> str:
    """Its address."""
    try:
        return server()
    except NoServer as none:
        if os.environ.get("CI"):
            pytest.fail(f"no PostgreSQL: {none}")
        pytest.skip(f"no PostgreSQL: {none}")
