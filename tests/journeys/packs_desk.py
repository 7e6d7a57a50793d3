"""The built-in desk with a starter pack's catalogue and first records, for the pack journeys."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contracts.desk_plugs import StandingWorld, desk_file, run
from remit.adapters.backoffice.books import find_record
from remit.adapters.backoffice.builtin import BuiltinBackoffice
from remit.adapters.files.pack import read_pack
from remit.domain.errors import Code
from remit.domain.policy.rulebook import read_catalogue
from remit.ports.backoffice import Act, ActOutcome, ActResult
from remit.proof.canonical import digest

DAY_MS = 86_400_000


class PackDesk:
    """A desk that does what a pack says. `no` is the reason of a refusal, `done` the values of an act."""

    def __init__(self, path: Path, pack: str) -> None:
        found = read_pack(pack)
        self.pack = pack
        self.world = StandingWorld()
        self.database = desk_file(path)
        self.catalogue = read_catalogue(found.catalogue, today=None)
        self.plug = BuiltinBackoffice(self.database, self.world, self.catalogue)
        self._keys = itertools.count(1)
        run(self.plug.seed(found.seed))

    def act(
        self, action: str, customer: str, params: Mapping[str, Any], confirmed_by: Sequence[str] = (), case: str = "case_1"
    ) -> ActResult:
        key = f"act_{next(self._keys)}"
        act = Act(key=key, action=action, params=params, customer=customer, case=case, versions={}, confirmed_by=confirmed_by, decision="")
        return run(self.plug.perform(act))

    def done(self, action: str, customer: str, **params: Any) -> Mapping[str, Any]:
        result = self.act(action, customer, params)
        assert result.state is ActOutcome.DONE, result.reason
        assert result.values.keys() <= set(self.catalogue.action(action).returns), "tells what the catalogue does not declare"
        return result.values

    def no(self, action: str, customer: str, **params: Any) -> str:
        result = self.act(action, customer, params)
        assert result.state is ActOutcome.FAILED, "it was done"
        assert result.values == {}
        return result.reason

    def read(self, action: str, customer: str, **params: Any) -> Mapping[str, Any]:
        told = run(self.plug.read(action, params, customer=customer)).values
        assert told.keys() <= set(self.catalogue.action(action).returns), "tells what the catalogue does not declare"
        return told

    def record(self, kind: str, record_id: str) -> Mapping[str, Any]:
        """A record's data as the desk keeps it, whether or not an action tells it."""
        return run(self.database.read(lambda connection: find_record(connection, kind, record_id), fault=Code.FAULT_BACKOFFICE)).data

    def money(self, kind: str, record_id: str) -> list[tuple[str, str, str]]:
        return list(run(self.plug.movements(kind, record_id)))

    def letters(self, customer: str) -> list[str]:
        return [recipient for recipient, _ in run(self.plug.notices(customer))]

    def days_pass(self, days: int) -> None:
        self.world.at += days * DAY_MS


def refund(desk: PackDesk, amount: str, method: str = "pm_7", officer: str = "") -> ActResult:
    confirmed_by = ("customer", f"officer:{officer}") if officer else ("customer",)
    return desk.act("payment.refund", "anna", {"order_id": "W1001", "payment_method_id": method, "amount": amount}, confirmed_by)


def complain(desk: PackDesk) -> None:
    desk.done("complaint.file", "anna", kind="damaged", order_id="W1001", text="Both arrived with scratches.")


def offer(kind: str, **terms: Any) -> dict[str, Any]:
    full = {"kind": kind, **terms}
    return {"offer_id": "offer_1", "digest": digest(full), **full}
