"""What every store promises of the transcript: consecutive places, proofs that verify, tiles that make up the tree."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from contracts.store_plugs import NOW, STORES, Opener, entries, entry, run, together, verify, verify_committed
from remit.domain.transcript.entry import verify_record
from remit.ports.store import Commit, Committed, Precondition, RecordMissing
from remit.proof import merkle, tiles
from remit.proof.tiles import Bundle, Tile


@pytest.fixture(params=list(STORES))
def opener(request: pytest.FixtureRequest) -> Opener:
    return STORES[request.param]


def test_an_empty_log_has_no_checkpoint_tile_or_entry(opener: Opener, tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        assert not await store.checkpoint()
        assert not await store.entries()
        assert await store.commit(Commit()) == Committed((), 0, "")
        for missing in (store.tile(0, 0, 1), store.leaves(0, 1), store.prove([0])):
            with pytest.raises(RecordMissing):
                await missing

    run(opener, tmp_path, work)


def test_entries_get_consecutive_places_and_their_proofs_verify_against_the_checkpoint_that_came_with_them(
    opener: Opener, tmp_path: Path
) -> None:
    async def work(store: Any) -> None:
        commits = [entries(*range(start, start + count)) for start, count in ((0, 1), (1, 3), (4, 0), (4, 2), (6, 300), (306, 1))]
        results = await together(*[store.commit(one) for one in commits[:4]])
        results += [await store.commit(one) for one in commits[4:]]
        assert [place.index for one in results for place in one.places] == list(range(307))
        for committed, commit in zip(results, commits, strict=True):
            verify_committed(committed, commit.entries)
        assert await store.checkpoint() == results[-1].checkpoint

    run(opener, tmp_path, work)


def test_entries_that_a_later_commit_proves_along_need_no_proofs_at_first(opener: Opener, tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        first = await store.commit(Commit(entries=(entry(0), entry(1)), proved=False))
        assert [(place.index, place.proof) for place in first.places] == [(0, ()), (1, ())]
        assert verify(first.checkpoint).size == first.size == 2
        verify_committed(await store.commit(Commit(entries=(entry(2),), prove=(0, 1))), [entry(0), entry(1), entry(2)])

    run(opener, tmp_path, work)


def test_a_refused_commit_leaves_no_gap_in_the_log(opener: Opener, tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        refused = Commit(entries=(entry(9),), preconditions=(Precondition("task", "t", 1),))
        results = await together(*[store.commit(refused if number % 3 == 1 else entries(number)) for number in range(30)])
        places = [one.places[0].index for one in results if isinstance(one, Committed)]
        assert places == list(range(20))
        assert len(await store.entries()) == 20

    run(opener, tmp_path, work)


def test_every_checkpoint_begins_with_every_earlier_one(opener: Opener, tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        heads = [verify((await store.commit(entries(*range(start, start + 37)))).checkpoint) for start in range(0, 370, 37)]

        async def hashes(size: int) -> Any:
            kept = {tile: await store.tile(tile.level, tile.index, tile.width) for tile in tiles.tiles(size)}
            return tiles.tile_reader(lambda tile: kept[tile], size)

        newest = heads[-1]
        read = await hashes(newest.size)
        for head in heads:
            merkle.verify_consistency(
                old=head.size,
                new=newest.size,
                old_root=head.root,
                new_root=newest.root,
                proof=merkle.consistency_proof(head.size, newest.size, read),
            )

    run(opener, tmp_path, work)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_tiles_and_leaves_give_the_signed_root(opener: Opener, tmp_path: Path, size: int) -> None:
    async def work(store: Any) -> None:
        await store.commit(entries(*range(size)))
        head = verify(await store.checkpoint())
        leaves = [leaf for bundle in tiles.bundles(size) for leaf in await store.leaves(bundle.index, bundle.width)]
        assert leaves == [entry(number).leaf for number in range(size)]
        assert merkle.EMPTY.append(merkle.leaf_hashes(leaves)).root() == head.root
        kept = {tile: await store.tile(tile.level, tile.index, tile.width) for tile in tiles.tiles(size)}
        assert merkle.root(size, tiles.tile_reader(lambda tile: kept[tile], size)) == head.root

    run(opener, tmp_path, work)


def test_a_tile_that_is_not_filled_that_far_or_cannot_exist_is_missing(opener: Opener, tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        await store.commit(entries(*range(300)))
        assert len(await store.tile(0, 0, 7)) == 7 * 32
        absent = [Tile(level=0, index=1, width=45), Tile(level=1, index=0, width=2), Tile(level=2, index=0, width=1)]
        absent += [Tile(level=level, index=0, width=1) for level in (-1, 63)]
        absent += [Tile(level=0, index=index, width=1) for index in (-1, 2**60, 2**80)]
        absent += [Tile(level=0, index=0, width=width) for width in (0, -1, 257)]
        for tile in absent:
            with pytest.raises(RecordMissing):
                await store.tile(tile.level, tile.index, tile.width)
        for bundle in (Bundle(index=1, width=45), Bundle(index=-1, width=1), Bundle(index=2**80, width=1), Bundle(index=0, width=0)):
            with pytest.raises(RecordMissing):
                await store.leaves(bundle.index, bundle.width)

    run(opener, tmp_path, work)


def test_entries_are_proved_afresh_all_against_the_newest_checkpoint(opener: Opener, tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        await store.commit(entries(*range(10)))
        await store.prove([3])
        await store.commit(entries(*range(10, 700)))
        indexes = [3, 699, 0, 256, 3]
        proved = await store.prove(indexes)
        assert [place.index for place in proved.places] == indexes
        assert proved.checkpoint == await store.checkpoint()
        verify_committed(proved, [entry(index) for index in indexes])
        for unknown in ([700], [-1], [0, 2**70]):
            with pytest.raises(RecordMissing):
                await store.prove(unknown)

    run(opener, tmp_path, work)


def test_earlier_entries_are_proved_along_with_new_ones_against_one_checkpoint(opener: Opener, tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        await store.commit(entries(*range(300)))
        results = await together(*[store.commit(Commit(entries=(entry(300 + n),), prove=(n, 299))) for n in range(5)])
        for n, committed in enumerate(results):
            assert [place.index for place in committed.places] == [n, 299, 300 + n]
            verify_committed(committed, [entry(n), entry(299), entry(300 + n)])
        alone = await store.commit(Commit(prove=(304, 0)))
        assert (alone.size, alone.checkpoint) == (305, await store.checkpoint())
        verify_committed(alone, [entry(304), entry(0)])

    run(opener, tmp_path, work)


def test_a_commit_that_names_an_entry_to_prove_that_is_not_there_changes_nothing(opener: Opener, tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        await store.commit(entries(0))
        for unknown in (1, -1, 2**70):
            with pytest.raises(RecordMissing):
                await store.commit(Commit(entries=(entry(1),), prove=(0, unknown)))
        assert len(await store.entries()) == 1

    run(opener, tmp_path, work)


def test_proofs_asked_for_while_the_log_grows_verify(opener: Opener, tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        await store.commit(entries(0))

        async def grow() -> None:
            for number in range(1, 60):
                await store.commit(entries(number))

        async def prove() -> None:
            for _ in range(60):
                verify_committed(await store.prove([0]), [entry(0)])

        await asyncio.gather(grow(), prove(), prove())

    run(opener, tmp_path, work)


def test_entries_are_found_by_their_references_in_order(opener: Opener, tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        rows = [entry(number, refs=("all", "odd" if number % 2 else "even", "all")) for number in range(9)]
        await store.commit(Commit(entries=tuple(rows)))

        async def found(**bounds: Any) -> list[int]:
            return [one.index for one in await store.entries(**bounds)]

        assert await found() == await found(ref="all") == list(range(9))
        assert await found(ref="odd") == [1, 3, 5, 7]
        assert await found(ref="odd", low=4, limit=1) == [5]
        assert await found(ref="even", newest=True, limit=2) == [8, 6]
        assert await found(low=7) == [7, 8]
        assert await found(newest=True, limit=1) == [8]
        assert await found(ref="none") == await found(low=9) == await found(limit=0) == await found(low=2**80) == []
        kept = (await store.entries(ref="odd", limit=1))[0]
        assert (kept.row.leaf, kept.row.content, kept.row.subject, kept.row.at) == (rows[1].leaf, b"sealed", "c1", NOW + 1)
        assert verify_record(kept.row.envelope)[0] == kept.row.leaf

    run(opener, tmp_path, work)


def test_the_log_goes_on_where_it_stood_after_closing_and_opening(opener: Opener, tmp_path: Path) -> None:
    sizes = (3, 253, 1, 300)
    done = 0
    for size in sizes:
        commit = entries(*range(done, done + size))

        async def work(store: Any, commit: Commit = commit, done: int = done) -> None:
            committed = await store.commit(commit)
            assert committed.places[0].index == done
            verify_committed(committed, commit.entries)

        run(opener, tmp_path, work)
        done += size
