"""Whether this process stands on the rules of the desk: one that does not decides, issues and shows nothing until it is started anew."""

from typing import Final

from remit.domain.errors import Code, Fault
from remit.domain.records import Record, Rules
from remit.ports.store import Expect, Kept, Missing
from remit.usecases.parts import Parts

RULES: Final = (Rules.KIND, "rules")
"""Kind and id of the one record that says which rules are in force."""


async def rules_expected(parts: Parts) -> Expect:
    """What everything that is granted, issued or confirmed by the rules expects of them: to be those of this process, up to the commit.

    Raises:
        Fault: `fault.policy` when this process stands on other rules than the desk; `fault.store`.

    Source: docs/model/model.md#rule-digest.
    """
    try:
        kept: Kept[Rules] | None = await parts.store.get(Rules, RULES[1])
    except Missing:
        kept = None
    return verify_same_rules(parts, kept)


def verify_same_rules(parts: Parts, kept: Kept[Rules] | Kept[Record] | None) -> Expect:
    """Check the rules in force, as they were read, and return what expects them to stay as they are.

    Raises:
        Fault: `fault.policy`.
    """
    if kept is None:
        return Expect(*RULES, 0)  # nothing was adopted yet: a sandbox
    if isinstance(kept.record, Rules) and kept.record.digest != parts.rules_digest:
        raise Fault(Code.FAULT_POLICY, "this node stands on other rules than the last policy.changed entry; restart it with the new rules")
    return Expect(*RULES, kept.rev)
