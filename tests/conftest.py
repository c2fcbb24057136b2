"""Fixtures for all tests, and no network for any but those that ask for it."""

from pathlib import Path

import pytest

from bench.config import cache_dir


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a network, a GPU or minutes, unless it was asked for by -m."""
    if config.option.markexpr:
        return
    for item in items:
        for name in ("network", "heavy", "gpu"):
            if name in item.keywords:
                item.add_marker(pytest.mark.skip(reason=f"off by default: pytest -m {name}"))


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest, socket_disabled: None) -> None:
    """Block sockets in this process; the command line runs in a process of its own."""


@pytest.fixture(scope="session")
def shared_cache() -> Path:
    """The user's own cache: wheels are large, and are fetched once for all runs of the tests."""
    return cache_dir("")
