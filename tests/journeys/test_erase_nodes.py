"""An erasure at one node of a desk, with another that has read everything before."""

from pathlib import Path
from typing import cast

import pytest

from faults.nodes import Aside, Gate
from journeys.erasing import GONE, contents, erased, fill
from journeys.kept_desk import Clock, kept_desk, note_about, run
from remit.adapters.notify.console import ConsoleNotify
from remit.engine.context import DeskContext
from remit.ports.vault import ContentErased
from remit.usecases.transcript.replay_erasures import replay_erasures


@pytest.mark.proves("ERASED")
def test_what_one_node_erased_the_other_does_not_open_a_moment_later_and_what_it_records_then_opens(tmp_path: Path) -> None:
    clock = Clock()

    one, other = (kept_desk(tmp_path / "desk", clock=clock, node=name) for name in ("one", "two"))

    async def work(_one: DeskContext) -> None:
        await fill(one)
        clock.at = GONE
        before = await other.store.entries(ref="c1")
        assert (await contents(other, "c1"))[0], "the other one remembers the key"
        await erased(one)
        for kept in before:
            with pytest.raises(ContentErased):
                await other.vault.unseal(kept.row.subject, kept.row.content)
        newer = await note_about(other, "c1", "who came back")
        kept_newer = (await one.store.entries(low=newer, limit=1))[0]
        assert await replay_erasures(other) == 0
        assert await one.vault.unseal("c1", kept_newer.row.content), "an erasure that is repeated takes nothing that came since"
        assert (await contents(other, "c2"))[0]
        await other.store.close()
        other.vault.close()  # type: ignore[attr-defined]  # the plug has it

    run(one, work)


@pytest.mark.proves("ERASED", "NODES")
def test_a_start_beside_a_node_that_stands_between_record_and_keys_completes_it_and_calls_nothing_come_back(tmp_path: Path) -> None:
    """The node that erases stands still on an event loop of its own; nobody waits for it."""
    clock, gate = Clock(), Gate("erase.recorded")
    one = kept_desk(tmp_path / "desk", clock=clock, node="one", on_point=gate)
    run(kept_desk(tmp_path / "desk", clock=clock, node="two"), fill)
    clock.at = GONE
    with gate.closed():
        erasing = Aside(lambda: run(one, erased))
        assert gate.reached.wait(60)

        async def start(desk: DeskContext) -> None:
            assert await desk.vault.retired(), "it is half done"
            assert await replay_erasures(desk) == 0
            assert not cast("ConsoleNotify", desk.notify).incidents
            assert (await contents(desk, "c1"))[:3] == [None] * 3

        run(kept_desk(tmp_path / "desk", clock=clock, node="two"), start)
    assert erasing.result().keys == 1
