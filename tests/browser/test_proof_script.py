"""The browser's own check of receipts says the same as `remit verify`, of good receipts and of thousands of changed ones."""

import base64
import copy
import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.adapters.signer.file import verify_ed25519
from remit.domain.errors import Refused
from remit.proof.canonical import canonical
from remit.sandbox import Sandbox
from remit.usecases.transcript.verify import verify_receipt_bytes

NODE = shutil.which("node")
SCRIPT = Path(__file__).resolve().parents[2] / "src" / "remit" / "entrypoints" / "web" / "static" / "proof.js"
JUDGE = """
import {{ readFileSync }} from 'node:fs';
const {{ verifyReceipt, Unproved }} = await import('data:text/javascript;base64,{script}');
const said = [];
for (const [text, key] of JSON.parse(readFileSync(0, 'utf-8'))) {{
  try {{
    const found = await verifyReceipt(text, key);
    said.push([found.index, found.kind, Object.keys(found.sections).sort()]);
  }} catch (problem) {{
    if (!(problem instanceof Unproved)) said.push(`broke: ${{problem}}`);
    else said.push('');
  }}
}}
console.log(JSON.stringify(said));
"""

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node here")


def judged(cases: list[tuple[str, str]]) -> list[object]:
    assert NODE is not None
    program = JUDGE.format(script=base64.b64encode(SCRIPT.read_bytes()).decode())
    ran = subprocess.run(
        [NODE, "--input-type=module", "-e", program], input=json.dumps(cases), capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return list(json.loads(ran.stdout))


def ours(text: str, key: str) -> object:
    try:
        found = verify_receipt_bytes(text.encode("utf-8", "surrogatepass"), vkeys=key, verify_ed25519=verify_ed25519).entries[0]
    except Refused:
        return ""
    return [found.index, found.kind, sorted(found.sections)]


@pytest.fixture(scope="module")
def receipts() -> tuple[list[str], str]:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        anna, agent = desk.customer("anna", name="Änna “B” \\ \u2028"), desk.agent("spiffe://helper.example/shop")
        task = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
        task.ask("case.comment", {"text": 'The kettle {leaks}: "a, b" [c] \\ \u00e9 \U0001f600'})
        anna.confirm(task.ask("payment.refund", {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}))
        ada = desk.officer("ada", ["audit"])
        size = len(desk.transcript())
        texts = [desk.room.raw("GET", f"/log/receipts/{entry}", cookie=ada.cookie).text for entry in range(size)]
        texts += [
            desk.room.raw("GET", f"/log/receipts/{one['entry']}", cookie=anna.cookie).text for one in anna.get("/me/v1/history")["entries"]
        ]
        return texts, desk.room.raw("GET", "/log/key").text.strip()


@pytest.mark.proves("RECEIPT-BROWSER")
def test_every_receipt_is_read_as_by_remit_verify(receipts: tuple[list[str], str]) -> None:
    texts, key = receipts
    found = judged([(text, key) for text in texts])
    assert "" not in found
    assert found == [ours(text, key) for text in texts]


@pytest.mark.proves("RECEIPT-BROWSER")
def test_what_is_changed_anywhere_is_refused_like_there(receipts: tuple[list[str], str]) -> None:
    texts, key = receipts
    chance = random.Random(7)
    cases: list[tuple[str, str]] = []
    for text in texts:
        for _ in range(60):
            at = chance.randrange(len(text))
            letter = chance.choice('Aa0/+=\n ."{}[],:\\é—') if chance.random() < 0.8 else ""
            cases.append((text[:at] + letter + text[at + chance.randrange(2) :], key))
        extra = text.split("\n")[1].removeprefix("extra ")
        shown = base64.b64decode(extra).decode()
        for _ in range(40):  # inside what is opened, where a second reading of JSON could differ
            at = chance.randrange(len(shown))
            changed = shown[:at] + chance.choice('"\\{}[],: 0aé1.e-') + shown[at + chance.randrange(2) :]
            cases.append((text.replace(extra, base64.b64encode(changed.encode()).decode()), key))
        commas = (shown[:-1] + ",}", shown.replace('"}', '",}', 1), shown.replace('","', '""', 1))  # too many, and too few
        cases.extend((text.replace(extra, base64.b64encode(changed.encode()).decode()), key) for changed in commas)
    cases += [(text, key[:-3] + "AA=") for text in texts[:3]] + [("", key), ("\n\n", key), (texts[0], "")]
    found = judged(cases)
    assert not [one for one in found if str(one).startswith("broke")]
    expected = [ours(*case) if case[1] else "" for case in cases]
    assert all(one == other for one, other in zip(found, expected, strict=True) if one)
    # The command reads what is opened and writes it in the one form again; the browser takes the one form alone.
    only_there = [text for (text, _), one, other in zip(cases, found, expected, strict=True) if other and not one]
    assert {written_anew(text) for text in only_there} <= {written_anew(text) for text in texts}
    assert sum(map(bool, found)) < len(cases) / 10


@pytest.fixture(scope="module")
def handed_out() -> tuple[list[dict[str, object]], str]:
    """What the client hands out with replies of every kind: receipts as JSON."""
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        anna, agent = desk.customer("anna", name="Änna “B” \\ \u2028"), desk.agent("spiffe://helper.example/shop")
        task = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
        replies = [
            task.ask("case.comment", {"text": 'The kettle {leaks}: "a, b" [c] \\ \u00e9 \U0001f600'}),
            task.ask("order.read", {"order_id": "W1001"}),
        ]
        asked = task.ask("payment.refund", {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"})
        anna.confirm(asked)
        replies += [asked, asked.again()]
        return [dict(one.receipt) for one in replies], desk.room.raw("GET", "/log/key").text.strip()


@pytest.mark.proves("RECEIPT-BROWSER")
def test_what_the_client_hands_out_is_read_as_by_remit_verify_however_it_was_written(
    handed_out: tuple[list[dict[str, object]], str],
) -> None:
    given, key = handed_out
    texts = [
        written for one in given for written in (json.dumps(one), json.dumps(one, ensure_ascii=False, indent=2), canonical(one).decode())
    ]
    found = judged([(text, key) for text in texts])
    assert "" not in found
    assert found == [ours(text, key) for text in texts]
    assert any(len(one["entries"]) > 1 for one in given)  # type: ignore[arg-type]


@pytest.mark.proves("RECEIPT-BROWSER")
def test_what_is_changed_in_a_handed_out_receipt_is_refused_like_there(handed_out: tuple[list[dict[str, object]], str]) -> None:
    given, key = handed_out
    chance = random.Random(7)
    cases: list[tuple[str, str]] = []
    for text in (json.dumps(one, indent=1) for one in given):
        for _ in range(300):
            at = chance.randrange(len(text))
            cases.append((text[:at] + chance.choice('"\\{}[],: 0aé1.e-tn') + text[at + chance.randrange(2) :], key))
        cases += [
            (text.replace('"v": 1', '"v": 1, "v": 1'), key),
            (text.replace('"v": 1', '"v": 2'), key),
            (f"{text} x", key),
            (text[:-1], key),
        ]
    found, expected = judged(cases), [ours(*case) for case in cases]
    assert not [one for one in found if str(one).startswith("broke")]
    assert all(one == other for one, other in zip(found, expected, strict=True) if one)
    assert sum(map(bool, found)) < len(cases) / 5


def written_anew(text: str) -> str:
    """A receipt with what it opens in canonical form."""
    extra = text.split("\n")[1].removeprefix("extra ")
    return text.replace(extra, base64.b64encode(canonical(json.loads(base64.b64decode(extra)))).decode())
