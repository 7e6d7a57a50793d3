"""One desk that is served for all of these tests; they run beside one another in one process."""

from collections.abc import Iterator

import pytest

from conformance.live import Live, live_desk


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Serve a desk in a process of its own. Mark the module with `xdist_group("live")`, so that there is one."""
    with live_desk(tmp_path_factory.mktemp("live") / "desk") as desk:
        yield desk
