"""The policy port on Cedar: default deny, a `forbid` wins, and only a clean Allow allows.

`cedar_check` reads policies, `cedar_schema` models the desk, `cedar_slices` selects policies per action.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

import cedarpy
import msgspec

from remit.adapters.policy.cedar_check import (
    PolicyFindings,
    PolicyStatement,
    policy_error,
    read_policy,
    read_statements,
)
from remit.adapters.policy.cedar_request import build_context, build_entities
from remit.adapters.policy.cedar_schema import ActionModel, DeskModel, build_model
from remit.adapters.policy.cedar_slices import PolicySlice, build_slice, scope_matches
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Refused
from remit.domain.policy.decision import PolicyVerdict
from remit.domain.policy.rules_outline import PolicyOutline
from remit.ports.policy import PolicyQuestion
from remit.proof.canonical import digest

_REMEMBERED: Final = 4096
_SHORT: Final = 2048


class CedarPolicy:
    """Cedar policies of the desk, parsed, validated and sliced once."""

    def __init__(
        self,
        texts: Sequence[tuple[str, str]],
        catalogue: Catalogue,
        *,
        allow_unnamed: bool = False,
        remember: int = _REMEMBERED,
    ) -> None:
        """Prepare policy files, given as (file name, text) in order.

        `allow_unnamed` names a policy without `@id` `file#n`, in the sandbox alone. `remember` limits the cached
        answers, each under everything it was computed from.

        Raises:
            Refused: `policy.invalid` with every problem found: file, line, policy id, reason, cure.
        """
        statements = read_statements(texts, allow_unnamed=allow_unnamed)
        if not statements:
            raise policy_error(
                ["there is no policy, so nothing would ever be allowed"], "Add a policy file; a starter pack has one."
            )
        model = build_model(catalogue)
        schema = _schema(model)
        readings = _read_all(statements, model)
        _validate(statements, model, schema)
        self._digest = digest([text for _, text in texts])
        self._statements = tuple(_outline(statement, readings[statement.id]) for statement in statements)
        self._models = model.actions
        self._slices: Mapping[str, PolicySlice] = {
            name: build_slice(action, statements, readings) for name, action in model.actions.items()
        }
        self._remember = remember
        self._answers: OrderedDict[tuple[str, bytes], PolicyVerdict] = OrderedDict()
        self._annotations = {statement.id: statement.annotations for statement in statements if statement.annotations}

    @property
    def digest(self) -> str:
        """`sha-256:…` over the policy texts, in order."""
        return self._digest

    @property
    def statements(self) -> Sequence[PolicyOutline]:
        """Outline of each policy."""
        return self._statements

    def decide(self, question: PolicyQuestion) -> PolicyVerdict:
        """Answer one question.

        Raises:
            Refused: `action.unknown`; `policy.error` when a policy could not be evaluated, the engine gave no
                decision, or a value cannot be held exactly.

        Source: docs/decisions/0011-cedar-plug.md.
        """
        model, policies = self._of(question.action)
        try:
            context = msgspec.json.encode(build_context(model, question, parts=policies.parts, params=policies.params))
            about = msgspec.json.encode(build_entities(question))
        except (ValueError, TypeError, OverflowError) as error:
            raise Refused(Code.POLICY_ERROR, f"{question.action}: {error}") from error
        # The engine is a function of these and of the policies, which never change here: time, risk, params and all
        # else a policy reads are in the context. Standing and revocation are not part of it; they are read for every
        # ask. The key is a hash; neither part holds a line break, so the border between them is unambiguous.
        key = (question.action, sha256(about + b"\n" + context).digest())
        known = self._answers.get(key)
        if known is None:
            known = self._ask(question, policies, about.decode(), context.decode())
            if len(context) <= _SHORT:  # ⚔ large requests of an agent are evaluated again rather than cached
                self._answers[key] = known
            if len(self._answers) > self._remember:
                self._answers.popitem(last=False)
        return known

    def _ask(self, question: PolicyQuestion, policies: PolicySlice, about: str, context: str) -> PolicyVerdict:
        try:
            entities = policies.base.with_added_json_str(about)
            request = {
                "principal": {"type": "Agent", "id": question.agent},
                "action": {"type": "Action", "id": question.action},
                "resource": {"type": "Task", "id": question.task},
                "context": context,
            }
            answer = cedarpy.is_authorized(request, policies.policies, entities, policies.schema)
        except (ValueError, TypeError, OverflowError) as error:
            raise Refused(Code.POLICY_ERROR, f"{question.action}: {error}") from error
        return self._verdict(question, answer)

    def depends_on_confirmation(self, question: PolicyQuestion) -> bool:
        """Whether any policy of this action depends on confirmers or the kind of confirmation."""
        return self._of(question.action)[1].confirmation

    def confirmers_named(self, question: PolicyQuestion) -> frozenset[str] | None:
        """Return the confirmers that policies of this action distinguish; None when any could matter."""
        return self._of(question.action)[1].confirmers

    def schema_text(self, catalogue: Catalogue) -> str:
        """Return the generated schema, for policy authors."""
        return str(_schema(build_model(catalogue)))

    def _of(self, action: str) -> tuple[ActionModel, PolicySlice]:
        model = self._models.get(action)
        if model is None:
            raise Refused(Code.ACTION_UNKNOWN, f"no action {action!r}", public=f"There is no action '{action[:80]}'.")
        return model, self._slices[action]

    def _verdict(self, question: PolicyQuestion, answer: cedarpy.AuthzResult) -> PolicyVerdict:
        errors = answer.diagnostics.errors
        decision = answer.decision
        if errors or (decision is not cedarpy.Decision.Allow and decision is not cedarpy.Decision.Deny):
            # ⚔ Cedar skips a policy whose condition errs, a `forbid` too, and may still say Allow.
            raise Refused(Code.POLICY_ERROR, f"{question.action}: {'; '.join(errors) or decision.value}")
        policies = tuple(sorted(answer.diagnostics.reasons))
        notes = {key: value for name in policies for key, value in self._annotations.get(name, {}).items()}
        return PolicyVerdict(allowed=decision is cedarpy.Decision.Allow, policies=policies, annotations=notes or None)


def _schema(model: DeskModel) -> cedarpy.Schema:
    try:
        return cedarpy.Schema.from_json_str(json.dumps(model.schema()))
    except ValueError as error:
        raise policy_error(
            [f"the catalogue makes no Cedar schema: {error}"], "Rename the parameter or action named here."
        ) from error


def _outline(statement: PolicyStatement, reading: PolicyFindings) -> PolicyOutline:
    """Outline a policy. ⚔ One that uses the context as a whole may read anything in it."""
    sees = reading.confirmation or reading.parts is None or any(part.startswith("confirm") for part in reading.parts)
    forbids = statement.policy.get("effect") == "forbid"
    return PolicyOutline(digest=digest(statement.text.strip()), forbids=forbids, blind=not sees)


def _read_all(statements: Sequence[PolicyStatement], model: DeskModel) -> dict[str, PolicyFindings]:
    """Read every policy.

    Raises:
        Refused: `policy.invalid` naming each unknown name.
    """
    actions = model.actions.values()
    readings = {
        statement.id: read_policy(
            statement.policy, model, (action for action in actions if scope_matches(statement.policy, action))
        )
        for statement in statements
    }
    problems = [
        f"{statement.place} {problem}"
        for statement in statements
        for problem in dict.fromkeys(readings[statement.id].problems)
    ]
    if problems:
        raise policy_error(problems, "Correct the names; `remit policy schema` lists all that exist.")
    return readings


def _validate(statements: Sequence[PolicyStatement], model: DeskModel, schema: cedarpy.Schema) -> None:
    """Validate the policies against the schema.

    A policy on a known group without actions never applies; Cedar calls that an error, a desk need not.

    Raises:
        Refused: `policy.invalid` with Cedar's reasons.
    """
    actions = model.actions.values()
    live = [statement for statement in statements if any(scope_matches(statement.policy, action) for action in actions)]
    result = cedarpy.validate_policies("\n".join(statement.text for statement in live), schema)
    if result.validation_passed and not result.errors:
        return
    problems = [_problem(live, error) for error in result.errors]
    raise policy_error(
        problems or ["the policies do not validate"],
        "Correct the policies; `remit policy schema` shows what they may use.",
    )


def _problem(statements: Sequence[PolicyStatement], error: cedarpy.ValidationError) -> str:
    number = error.policy_id.removeprefix("policy")
    if not number.isdecimal() or int(number) >= len(statements):
        return str(error)
    reason = error.error.removeprefix(f"for policy `{error.policy_id}`, ")
    return f"{statements[int(number)].place}: {reason}"
