"""From `remit import openapi` to the first act at a system that nobody here wrote, through the doors of a served desk."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.running import Run, Serve, change
from contracts.mapped_shop import DOCUMENT, Mapped, mapped_shop
from remit.sandbox import Sandbox

REFUND = "order.create_refund"
WANTED = {
    "type": "remit_mandate",
    "objective": {"type": "order", "target": {"order": ["W1"]}, "summary": "money back"},
    "never": [],
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["order.*"]},
        {"power": "request", "actions": [REFUND], "uses": 3, "where": {"amount": {"max": "20.00 EUR"}}},
    ],
}
MARKER = """
[action."order.create_refund".marker]
to = "/note"
lookup = { operation = "GET /orders/{id}/refunds", path = { id = "/order_id" }, items = "/refunds", at = "/note" }
"""


@pytest.fixture
def mapped(tmp_path: Path) -> Iterator[Mapped]:
    (tmp_path / "shop").mkdir()
    with mapped_shop(tmp_path / "shop") as found:
        yield found


def edited(remit: Run, folder: Path, base: str) -> Path:
    """A desk made by `remit init`, with the draft's rules and an owner's edits to them."""
    document = folder / "shop.json"
    document.write_text(json.dumps(DOCUMENT))
    draft, desk = folder / "draft", folder / "desk"
    assert remit("import", "openapi", document, "--into", draft).code == 0
    assert remit("init", "--json", desk).code == 0
    for name in ("catalogue", "policies", "policy_cases"):
        shutil.rmtree(desk / name)
    for name in ("catalogue", "policies"):
        shutil.copytree(draft / name, desk / name)
    shutil.copy(draft / "openapi.json", desk)
    mapping = (draft / "mapping.toml").read_text()
    head, _, rest = mapping.partition(f'[action."{REFUND}"]')
    table, _, others = rest.partition("[action.")
    assert 'promise = "none"' in table
    table = table.replace('promise = "none"', 'promise = "marker"').replace(', { to = "/note", from = "/note" }', "")
    text = f'{head}[action."{REFUND}"]{table}{MARKER}[action.{others}'
    assert 'owner = "/order/customer"' in text
    (desk / "mapping.toml").write_text(text)
    for name in ("read", "act"):
        (desk / f"token-{name}").write_text(name)
    change(desk, 'cases = ["policy_cases/*.toml"]', "")
    change(desk, 'pack = "consumer"', 'backoffice = "mapped"')
    change(desk, "enabled = false", "enabled = true")
    with (desk / "remit.toml").open("a") as file:
        file.write(
            f'\n[backoffice]\nurl = "{base}"\nmapping = "mapping.toml"\ndocument = "openapi.json"\n'
            'read_token_file = "token-read"\nact_token_file = "token-act"\n'
        )
    return desk


def test_a_draft_becomes_a_desk_that_acts_once(mapped: Mapped, tmp_path: Path, remit: Run, serve: Serve) -> None:
    folder = edited(remit, tmp_path, mapped.base)
    checked = remit("check", "--config", folder)
    assert checked.code == 0, checked.err
    serving = serve(folder)
    with Sandbox(folder / "catalogue", facts={}, base_url=serving.url) as desk:
        agent = desk.agent("spiffe://helper.example/agent", tier="known")
        task = agent.open(desk.customer("anna").grant(agent, WANTED))
        assert task.ask("order.read", {"order_id": "W2"}).decision == "refuse"
        waiting = task.ask(REFUND, {"order_id": "W1", "amount": "12.50 EUR"})
        assert (waiting.decision, sorted(waiting.who)) == ("needs_human", ["customer", "officer:desk"])
        assert mapped.shop.refunds == []
        waiting = desk.customer("anna").confirm(waiting)
        assert mapped.shop.refunds == []
        assert desk.officer("desk-officer", roles=["desk"]).confirm(waiting).outcome == "done"
    assert serving.stop() == 0
    (refund,) = mapped.shop.refunds
    assert (refund["amount"], refund["order"]) == (1250, "W1")
    assert str(refund["note"]).startswith("act_")


def test_one_account_for_reading_and_acting_stops_the_start(tmp_path: Path, remit: Run) -> None:
    folder = edited(remit, tmp_path, "http://127.0.0.1:9")
    (folder / "token-act").write_text("read")
    refused = remit("serve", "--config", folder)
    assert refused.code == 1
    assert "backoffice.act_token_file" in refused.err
