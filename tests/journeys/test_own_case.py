"""An agent reads its own case: what it is about, whether it is open, how much was written. Covered by *represent*, nothing else."""

import pytest

from attacks.arena import mandate, open_arena


def test_an_agent_reads_the_state_of_its_own_case_and_nobody_is_alarmed() -> None:
    with open_arena() as arena:
        task = arena.task()
        assert task.ask("case.open", {"subject": "The cup is broken", "text": "It came in two pieces."}).outcome == "done"
        reply = task.ask("case.read", {})
        assert (reply.status, reply.outcome, reply.withheld) == (200, "done", 0)
        assert reply.result == {"case.status": "open", "case.subject": reply.result["case.subject"], "case.messages": 1}
        assert "undeclared_attribute" not in [kind for kind, _ in arena.notify.incidents]


def test_what_the_customer_never_wants_told_of_the_case_is_withheld() -> None:
    with open_arena() as arena:
        wanted = {**mandate(), "never": [{"power": "receive", "attributes": ["case.subject"]}]}
        task = arena.task(wanted)
        reply = task.ask("case.read", {})
        assert reply.withheld == 1
        assert "case.subject" not in reply.result


@pytest.mark.parametrize("text", ["Could you please tell me the status of the case?", "Please tell me the number of messages in the case."])
def test_asking_the_desk_about_its_own_case_says_no_more_than_the_comment(text: str) -> None:
    with open_arena() as arena:
        assert arena.task().ask("case.comment", {"text": text}).outcome == "done"
