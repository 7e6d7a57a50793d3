"""A desk is restarted while agents go on asking: workers by SIGHUP, nodes in turn. No act is lost, doubled or unrecorded."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.books import verify_all
from faults.cluster import Cluster, load, wait_for
from postgres_tests import postgres_url


@contextmanager
def cluster(folder: Path, nodes: int) -> Iterator[Cluster]:
    made = Cluster(folder, store=postgres_url(), keys=postgres_url("keys"), nodes=nodes)
    try:
        yield made
    finally:
        made.kill()


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # of connections whose server was stopped
@pytest.mark.proves("FAIL-CLOSED", "NODES")
def test_workers_that_are_replaced_one_by_one_among_asks_lose_and_double_nothing(tmp_path: Path) -> None:
    with cluster(tmp_path, 1) as desk:
        (node,) = desk.nodes
        node.start("--workers", "2")
        with load(desk) as asked:
            asked.begin(3)
            asked.more(20)
            node.tell(signal.SIGHUP)
            wait_for(lambda: "all workers were replaced" in node.said())
            asked.more(20)
            asked.end()
        assert node.stop() == 0
        verify_all(asked.wishes, desk.books())
        desk.verify_log()


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # of connections whose server was stopped
@pytest.mark.proves("FAIL-CLOSED", "NODES")
def test_nodes_that_are_stopped_and_started_in_turn_among_asks_lose_and_double_nothing(tmp_path: Path) -> None:
    with cluster(tmp_path, 2) as desk:
        desk.start()
        with load(desk) as asked:
            asked.begin(3)
            for node, how in zip(desk.nodes, (signal.SIGTERM, signal.SIGKILL), strict=True):
                asked.more(15)
                node.stop(how)
                asked.more(10)
                node.start()
            asked.more(15)
            asked.end()
        desk.stop()
        verify_all(asked.wishes, desk.books())
        desk.verify_log()


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # of connections whose server was stopped
@pytest.mark.proves("FAIL-CLOSED", "NODES")
def test_the_process_with_the_records_is_killed_and_started_again_among_asks_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    with cluster(tmp_path, 2) as desk:
        desk.start()
        with load(desk) as asked:
            asked.begin(3)
            for how in (signal.SIGKILL, signal.SIGTERM):
                asked.more(15)
                desk.records.stop(how)
                desk.records.start()
            asked.more(15)
            asked.end()
        desk.stop()
        verify_all(asked.wishes, desk.books())
        desk.verify_log()
