"""The official A2A client, unmodified: the page's own example, and everything else it can call."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.a2a_desk import ABSENT, CLIENT, PEER, ROOT, A2aDesk, a2a_desk, peer

pytestmark = [pytest.mark.xdist_group("a2a"), pytest.mark.skipif(not PEER.exists(), reason=ABSENT)]
PAGE = ROOT / "docs" / "agents" / "a2a.md"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[A2aDesk]:
    with a2a_desk(tmp_path_factory.mktemp("a2a") / "desk") as desk:
        yield desk


def env(live: A2aDesk, mandate: str) -> dict[str, str]:
    return {"DESK": live.url, "CLIENT_ID": CLIENT, "MANDATE": mandate}


def test_the_example_of_the_page_runs(live: A2aDesk, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0])
    live.keys(tmp_path)
    with peer(script, env(live, live.granted())) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline()]
        page = re.search(r"http\S+/confirm/\w+", lines[0])
        assert page is not None, lines[0] + process.stderr.read()
        live.confirm(page[0])
        lines += process.stdout.readlines()
        assert process.wait(30) == 0, process.stderr.read()
    assert [line.split()[0] for line in lines] == ["TASK_STATE_AUTH_REQUIRED", "result", "receipt", "TASK_STATE_COMPLETED"]


@pytest.fixture(scope="module")
def found(live: A2aDesk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("peer")
    script = Path(shutil.copy(Path(__file__).with_name("a2a_sdk_peer.py"), folder))
    live.keys(folder)
    told: dict[str, Any] = {}
    with peer(script, env(live, live.granted())) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            name, value = json.loads(line)
            told[name] = value
            if name == "confirm":
                live.confirm(value)
        assert process.wait(30) == 0, process.stderr.read()
    return told


def test_the_card_is_signed_and_a_changed_one_is_not_taken(live: A2aDesk, found: dict[str, Any]) -> None:
    name, skills, told = found["card"]
    assert name == "Acme Store"
    assert "return-item" in skills
    assert told == [f"{live.url}/.well-known/jwks.json"]
    assert found["forged"] == "InvalidSignaturesError"
    assert {"case.comment", "order.read", "order.return", "payment.refund"} <= set(found["extended"])
    assert "offer.accept" not in found["extended"]


def test_messages_are_asks(found: dict[str, Any]) -> None:
    state, results, same_context = found["read"]
    assert (state, same_context) == ("TASK_STATE_COMPLETED", True)
    assert results == [{"order.status": "delivered", "order.items": ["i1", "i2"]}]
    assert found["refused"] == ["TASK_STATE_REJECTED", "mandate.off_target"]
    assert found["comment"] == ["TASK_STATE_COMPLETED", "TASK_STATE_COMPLETED"]
    assert found["file"] == "TASK_STATE_COMPLETED"


def test_a_person_confirms_on_the_desks_page_and_the_stream_tells(found: dict[str, Any]) -> None:
    assert found["stream"] == ["TASK_STATE_AUTH_REQUIRED", "True TASK_STATE_AUTH_REQUIRED", "result", "receipt", "TASK_STATE_COMPLETED"]
    assert found["got"] == ["TASK_STATE_COMPLETED", ["receipt", "result"]]
    assert found["again"].startswith("UnsupportedOperationError")


def test_a_wait_can_be_taken_back(found: dict[str, Any]) -> None:
    assert found["cancelled"] == ["TASK_STATE_AUTH_REQUIRED", "TASK_STATE_CANCELED", ["TASK_STATE_CANCELED"]]
    assert found["not cancelable"].startswith("TaskNotCancelableError")


def test_tasks_are_listed_in_pages(found: dict[str, Any]) -> None:
    number, total, more, artifacts = found["listed"]
    assert (number, more, artifacts) == (2, True, [0, 0])
    assert total > 2
    assert found["next"] == [2, True]


@pytest.mark.parametrize(
    ("tried", "error"),
    [
        ("unknown", "TaskNotFoundError"),
        ("push", "PushNotificationNotSupportedError"),
        ("push in send", "PushNotificationNotSupportedError"),
        ("url part", "ContentTypeNotSupportedError"),
        ("version", "VersionNotSupportedError"),
        ("stranger", "A2AClientError: HTTP Error 401"),
    ],
)
def test_refusals_arrive_as_the_sdks_own_errors(found: dict[str, Any], tried: str, error: str) -> None:
    assert found[tried].startswith(error)
