"""Any sequence of puts, replacements, drops and reservations leaves a store as a few dictionaries would be left."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from contracts.store_plugs import STORES, Opener, mandate, postgres_store
from remit.domain.errors import Fault
from remit.domain.records import MandateRecord
from remit.domain.values import Instant
from remit.ports.store import Commit, Conflict, Drop, LimitReached, Put, RecordMissing, Reserve

NAMES = [f"m{number}" for number in range(1, 8)]
IDS = st.sampled_from(NAMES)
RECORDS = st.builds(
    mandate,
    IDS,
    parent=st.sampled_from(["", "m1"]),
    state=st.sampled_from(["active", "revoked"]),
    client_id=st.sampled_from(["a1", "a2"]),
    objective=st.sampled_from(["x", "y"]),
    granted_at=st.integers(-3, 3).map(Instant),
)
INDEXES = [
    ("mandate.customer", "c1"),
    ("mandate.live", ""),
    ("mandate.live_agent", "a1"),
    ("mandate.live_agent", "a2"),
    ("mandate.live_objective", "x"),
    ("mandate.live_objective", "y"),
    ("mandate.live_parent", "m1"),
    ("due.mandate", ""),
]


class StoreMachine(RuleBasedStateMachine):
    """The store beside its model: records with revisions, revisions ever used, counters."""

    opener: Opener

    @initialize()
    def open(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.breaks_at = self.breaks_after_commit = ""
        self.store = self.opener(Path(self.folder.name), self.point)
        self.records: dict[str, tuple[MandateRecord, int]] = {}
        self.used: dict[str, set[int]] = {}
        self.counters: dict[str, int] = {}

    def point(self, name: str) -> None:
        if name == self.breaks_at:
            raise RuntimeError(name)
        if name == "store.after_commit" and self.breaks_after_commit:
            self.breaks_at = self.breaks_after_commit

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()

    def _took(self, record: MandateRecord) -> None:
        kept = self.run(self.store.get(MandateRecord, record.id))
        assert kept.record == record
        assert kept.rev not in self.used.setdefault(record.id, set())
        self.used[record.id].add(kept.rev)
        self.records[record.id] = (record, kept.rev)

    @rule(records=st.lists(RECORDS, min_size=1, max_size=3, unique_by=lambda one: one.id), honest=st.booleans(), lie=RECORDS)
    def put(self, records: list[MandateRecord], honest: bool, lie: MandateRecord) -> None:
        puts = []
        for record in records:
            before, rev = self.records.get(record.id, (None, 0))
            puts.append(Put(record, rev, before if honest else lie))
        self.run(self.store.commit(Commit(puts=tuple(puts))))
        for record in records:
            self._took(record)

    @rule(record=RECORDS, rev=st.integers(-1, 6))
    def put_at_another_revision(self, record: MandateRecord, rev: int) -> None:
        before, now = self.records.get(record.id, (None, 0))
        if rev != now:
            with pytest.raises(Conflict):
                self.run(self.store.commit(Commit(puts=(Put(record, rev, before),))))

    @rule(record_id=IDS, lie=RECORDS)
    def drop(self, record_id: str, lie: MandateRecord) -> None:
        _, rev = self.records.get(record_id, (mandate(record_id), 1))
        drop = Commit(drops=(Drop(replace(lie, id=record_id), rev),))
        if record_id in self.records:
            self.run(self.store.commit(drop))
            del self.records[record_id]
        else:
            with pytest.raises(Conflict):
                self.run(self.store.commit(drop))

    @rule(record=RECORDS)
    def replace_by_drop_and_put_together_is_a_conflict(self, record: MandateRecord) -> None:
        if record.id in self.records:
            old, rev = self.records[record.id]
            with pytest.raises(Conflict):
                self.run(self.store.commit(Commit(puts=(Put(record, 0),), drops=(Drop(old, rev),))))

    @rule(key=st.sampled_from(["a", "b"]), amount=st.integers(-5, 5), limit=st.one_of(st.none(), st.integers(0, 9)))
    def reserve(self, key: str, amount: int, limit: int | None) -> None:
        used = self.counters.get(key, 0)
        commit = Commit(reserves=(Reserve("scope", key, amount, limit),))
        if amount > 0 and limit is not None and used + amount > limit:
            with pytest.raises(LimitReached):
                self.run(self.store.commit(commit))
            return
        self.run(self.store.commit(commit))
        self.counters[key] = max(used + amount, 0)

    @rule(record=RECORDS, amount=st.integers(1, 5), point=st.sampled_from(["store.before_commit", "store.after_commit"]))
    def a_commit_breaks_before_or_after_it_stands(self, record: MandateRecord, amount: int, point: str) -> None:
        before, rev = self.records.get(record.id, (None, 0))
        self.breaks_at = point
        with pytest.raises(Fault):
            self.run(self.store.commit(Commit(puts=(Put(record, rev, before),), reserves=(Reserve("scope", "c", amount, None),))))
        self.breaks_at = ""
        if point == "store.after_commit":
            self._took(record)
            self.counters["c"] = self.counters.get("c", 0) + amount

    @invariant()
    def the_store_is_as_the_model_says(self) -> None:
        if not hasattr(self, "store"):
            return
        counters = self.run(self.store.counters("scope"))
        assert counters == self.counters
        counters["a"] = -1  # it is the caller's own: changing it changes nothing
        for record_id in NAMES:
            if record_id not in self.records:
                with pytest.raises(RecordMissing):
                    self.run(self.store.get(MandateRecord, record_id))
        for index, key in INDEXES:
            for limit in (3, 1, 4, 0):
                newest = self.run(self.store.find(MandateRecord, index, key, limit=limit, newest=True))
                assert [one.record.id for one in newest] == self._linked(index, key)[::-1][:limit]
                assert all((one.record, one.rev) == self.records[one.record.id] for one in newest)

    @rule()
    def everything_is_found(self) -> None:
        for index, key in INDEXES:
            for low, high in ((1, None), (-2, None), (-3, 1), (0, 2)):
                some = self.run(self.store.find(MandateRecord, index, key, low=low, high=high, limit=3, newest=True))
                assert [one.record.id for one in some] == self._linked(index, key, low=low, high=high)[::-1][:3]
            found = self.run(self.store.find(MandateRecord, index, key))
            assert [one.record.id for one in found] == self._linked(index, key)
            assert all((one.record, one.rev) == self.records[one.record.id] for one in found)

    @rule()
    def it_is_closed_and_opened_again(self) -> None:
        self.run(self.store.close())
        self.store = self.opener(Path(self.folder.name), self.point)

    def _linked(self, index: str, key: str, *, low: int = 0, high: int | None = None) -> list[str]:
        linked = [
            (link.at, record.id) for record, _ in self.records.values() for link in record.links() if (link.name, link.key) == (index, key)
        ]
        return [record_id for at, record_id in sorted(linked) if low <= at and (high is None or at <= high)]


class JournalledMachine(StoreMachine):
    """A store that puts in its tables later what it has committed."""

    @rule(record=RECORDS)
    def the_tables_cannot_be_written_for_a_while(self, record: MandateRecord) -> None:
        before, rev = self.records.get(record.id, (None, 0))
        # From the commit on, which says so on the writing thread: that puts it in the tables by itself as soon as it has nothing else to do.
        self.breaks_after_commit = "store.before_settled"
        self.run(self.store.commit(Commit(puts=(Put(record, rev, before),))))
        with pytest.raises(Fault):
            self.run(self.store.find(MandateRecord, "mandate.live", ""))
        self.breaks_at = self.breaks_after_commit = ""
        self._took(record)


class NodesMachine(StoreMachine):
    """Two nodes over one store: whichever of them is asked, it knows what the other has done."""

    @initialize()
    def open(self) -> None:
        super().open()
        self.other = postgres_store(Path(self.folder.name), self.point, node="other")

    @rule()
    def the_other_node_is_asked(self) -> None:
        self.store, self.other = self.other, self.store

    @rule()
    def it_is_closed_and_opened_again(self) -> None:
        """Each of them keeps its own high water: here both go on together."""

    def teardown(self) -> None:
        self.run(self.other.close())
        super().teardown()


MACHINES = {"nodes": (NodesMachine, "postgres"), "postgres": (StoreMachine, "postgres"), "sqlite": (JournalledMachine, "sqlite")}


@pytest.mark.parametrize("name", list(MACHINES))
def test_a_store_is_as_a_few_dictionaries_would_be(name: str) -> None:
    kind, store = MACHINES[name]
    examples = 50 if store == "sqlite" else 20
    machine = type("Machine", (kind,), {"opener": staticmethod(STORES[store])})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    )
