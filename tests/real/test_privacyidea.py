"""privacyIDEA, behind the mapping of `examples/privacyidea`."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from real.mapped_line import mapped_line
from real.privacyidea_server import PrivacyIdeaServer
from real.systems import Line, LiveAct, try_row
from remit.domain.errors import Fault
from remit.ports.backoffice import Act, ActOutcome

SYSTEM = "privacyIDEA 3.14"


def line_to(privacyidea: PrivacyIdeaServer, folder: Path) -> AbstractAsyncContextManager[Line]:
    reading, acting = ({"authorization": privacyidea.tokens[account]} for account in ("read", "act"))
    return mapped_line(folder, "privacyidea", privacyidea.url, reading=reading, acting=acting)


def test_a_second_factor_is_revoked_once(privacyidea: PrivacyIdeaServer, tmp_path: Path) -> None:
    try_row(
        LiveAct(
            system=SYSTEM,
            promise="state",
            line=partial(line_to, privacyidea),
            action="factor.revoke",
            customer="alice",
            kind="factor",
            record=privacyidea.enrol,
            foreign=privacyidea.enrol("bob"),
            params=lambda serial: {"factor_id": serial},
            count=lambda: len(privacyidea.factors(revoked=True)),
            move=lambda serial: privacyidea.call("POST", f"/token/disable/{serial}", {}),
            crash=privacyidea.crash,
            read=("factor.read", lambda serial: {"factor_id": serial}),
        ),
        tmp_path,
    )


def test_a_second_factor_is_made_once(privacyidea: PrivacyIdeaServer, tmp_path: Path) -> None:
    own = privacyidea.enrol()
    try_row(
        LiveAct(
            system=SYSTEM,
            promise="chosen-id",
            line=partial(line_to, privacyidea),
            action="factor.enrol",
            customer="alice",
            kind="factor",
            record=lambda: own,
            foreign=privacyidea.enrol("bob"),
            params=lambda _: {},
            count=lambda: len(privacyidea.factors()),
            move=lambda serial: privacyidea.call("POST", f"/token/disable/{serial}", {}),
            crash=privacyidea.crash,
            read=("factor.read", lambda serial: {"factor_id": serial}),
        ),
        tmp_path,
    )


def act(key: str, action: str = "factor.enrol", **params: str) -> Act:
    return Act(
        key=key,
        action=action,
        params=params,
        customer="alice",
        case="case_1",
        versions={},
        confirmed_by=("customer",),
        decision="dec_1",
    )


def ask(privacyidea: PrivacyIdeaServer, folder: Path, work: Callable[[Line], Any]) -> Any:
    async def run() -> Any:
        async with line_to(privacyidea, folder) as line:
            return await work(line)

    return asyncio.run(run())


def test_a_seed_stays_in_the_adapter(privacyidea: PrivacyIdeaServer, tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def enrol(line: Line) -> Any:
        wire = line.backoffice._wire._connections  # type: ignore[attr-defined]
        send = wire.send

        async def heard(*given: Any, **more: Any) -> Any:
            answer = await send(*given, **more)
            seen.append(answer.body)
            return answer

        wire.send = heard
        done = await line.backoffice.perform(act("act_seeded"))
        return done, await line.backoffice.outcome(act("act_seeded"))

    done, outcome = ask(privacyidea, tmp_path, enrol)
    assert (done.state, done.values) == (ActOutcome.DONE, {"factor.id": "act_seeded"})
    assert outcome == done
    (answer,) = seen
    seed = answer.partition(b"secret=")[2].partition(b"&")[0]
    assert len(seed) >= 16
    for file in tmp_path.iterdir():
        assert seed not in file.read_bytes()
    assert seed.decode() not in repr((done, outcome))


def test_a_second_factor_is_switched_off_after_a_lost_answer(privacyidea: PrivacyIdeaServer, tmp_path: Path) -> None:
    wanted = act("act_off", "factor.disable", factor_id=privacyidea.enrol())

    async def lose_and_ask(line: Line) -> Any:
        line.cuts["POST"] = "after"
        with pytest.raises(Fault):
            await line.backoffice.perform(wanted)
        line.later()
        return await line.backoffice.outcome(wanted)

    assert ask(privacyidea, tmp_path, lose_and_ask).state is ActOutcome.DONE
    assert privacyidea.factors(serial=wanted.params["factor_id"], active=False)


def test_a_seed_is_not_rolled_by_a_retry(privacyidea: PrivacyIdeaServer, tmp_path: Path) -> None:
    """privacyIDEA takes a second init of one serial for a new secret: the one that the employee scanned would be dead."""

    async def lose_and_ask(line: Line) -> Any:
        line.cuts["POST"] = "after"
        with pytest.raises(Fault):
            await line.backoffice.perform(act("act_lost"))
        line.later()
        return await line.backoffice.perform(act("act_lost"))

    assert ask(privacyidea, tmp_path, lose_and_ask).state is ActOutcome.DONE
    inits = privacyidea.call("GET", "/audit/?action=*token/init&serial=act_lost")["result"]["value"]["auditdata"]
    assert len(inits) == 1


@pytest.mark.parametrize("alias", ["*", "TOTP*", "lower", "upper", " "])
def test_a_pattern_or_another_case_is_no_serial(privacyidea: PrivacyIdeaServer, tmp_path: Path, alias: str) -> None:
    serial = privacyidea.enrol()
    asked = {"lower": serial.lower(), "upper": f" {serial}"}.get(alias, alias)
    assert ask(privacyidea, tmp_path, lambda line: line.backoffice.facts([("factor", asked)], customer="alice")) == [None]


def test_the_account_that_reads_can_do_nothing_else(privacyidea: PrivacyIdeaServer, tmp_path: Path) -> None:
    serial = privacyidea.enrol()
    privacyidea.tokens["act"], acting = privacyidea.tokens["read"], privacyidea.tokens["act"]
    try:
        with pytest.raises(Fault):
            ask(privacyidea, tmp_path, lambda line: line.backoffice.perform(act("act_unable")))
    finally:
        privacyidea.tokens["act"] = acting
    assert [one["serial"] for one in privacyidea.factors(serial=serial)] == [serial]
    assert privacyidea.factors(serial="act_unable") == []
