"""Transparency logs of others: proofs, a real tiled log, and what parsers must take and refuse."""

import base64
from typing import Any

import pytest

from attacks.arena import mandate
from conformance.harness import vector_set
from conformance.live import Live
from remit.adapters.signer.file import verify_ed25519
from remit.proof import merkle
from remit.proof.checkpoint import read_checkpoint, verify_checkpoint, verify_vkey
from remit.proof.errors import LogDamagedError, ProofError
from remit.proof.receipt import read_tlog_proof, tlog_proof_text
from remit.proof.tiles import Bundle, Tile, decode_bundle, split_tile, tile_reader
from remit.usecases.transcript.verify import verify_log
from remit.wiring import open_published_log

INCLUSIONS, CONSISTENCIES = vector_set("tlog-inclusion"), vector_set("tlog-consistency")
PARSERS, TESSERA = vector_set("tlog-parsing"), vector_set("tlog-tessera")
INCLUSION = {case["file"]: case for case in INCLUSIONS.read()["cases"]}
CONSISTENCY = {case["file"]: case for case in CONSISTENCIES.read()["cases"]}
PARSING = PARSERS.read()
TESTLOG = TESSERA.read()
SIZES = sorted(int(size) for size in TESTLOG["checkpoints"])


def raw(encoded: Any) -> Any:
    return base64.b64decode(encoded)


@INCLUSIONS.each(INCLUSION)
def test_inclusion_proofs_are_judged_like_the_reference(check: dict[str, Any]) -> None:
    def verify() -> None:
        merkle.verify_inclusion(
            index=check["leafIdx"],
            size=check["treeSize"],
            leaf=raw(check["leafHash"]),
            proof=[raw(step) for step in check["proof"] or []],
            expected_root=raw(check["root"]),
        )

    if check["wantErr"]:
        with pytest.raises(ProofError):
            verify()
    else:
        verify()


@CONSISTENCIES.each(CONSISTENCY)
def test_consistency_proofs_are_judged_like_the_reference(check: dict[str, Any]) -> None:
    def verify() -> None:
        merkle.verify_consistency(
            old=check["size1"],
            new=check["size2"],
            old_root=raw(check["root1"]),
            new_root=raw(check["root2"]),
            proof=[raw(step) for step in check["proof"] or []],
        )

    if check["wantErr"]:
        with pytest.raises(LogDamagedError):
            verify()
    else:
        verify()


def test_all_proof_vectors_are_there() -> None:
    assert (len(INCLUSION), len(CONSISTENCY)) == (98, 98)
    assert [len(PARSING[name]) for name in ("checkpoint", "tlog_proof_valid", "tlog_proof_invalid")] == [11, 3, 7]


@PARSERS.each({f"checkpoint {case['name']}": case for case in PARSING["checkpoint"]})
def test_checkpoints_are_taken_and_refused_like_the_reference(check: dict[str, Any]) -> None:
    if check["valid"]:
        lines = check["text"].split("\n")
        checkpoint = read_checkpoint(check["text"])
        assert (checkpoint.origin, str(checkpoint.size), checkpoint.root) == (lines[0], lines[1], raw(lines[2]))
    else:
        with pytest.raises(ProofError):
            read_checkpoint(check["text"])


@PARSERS.each({f"valid proof {case['name']}": case for case in PARSING["tlog_proof_valid"]})
def test_valid_proof_texts_are_read_and_written(check: dict[str, Any]) -> None:
    proof = read_tlog_proof(check["text"])
    extra = raw(check.get("extra", ""))
    assert (proof.index, proof.hashes, proof.extra) == (check["index"], tuple(raw(one) for one in check["hashes"]), extra)
    assert proof.checkpoint == check["checkpoint"]
    written = tlog_proof_text(index=proof.index, hashes=proof.hashes, checkpoint=proof.checkpoint, extra=proof.extra)
    assert written == check["text"]


@PARSERS.each({f"invalid proof {case['name']}": case for case in PARSING["tlog_proof_invalid"]})
def test_invalid_proof_texts_are_refused(check: dict[str, Any]) -> None:
    with pytest.raises(ProofError):
        read_tlog_proof(check["text"])


class TestLog:
    """The published log, at one of its sizes."""

    __test__ = False
    keeps_leaf_hashes = True

    def __init__(self, size: int) -> None:
        self.size = size

    def checkpoint(self) -> Any:
        return TESTLOG["checkpoints"][str(self.size)]

    def tile(self, tile: Tile) -> Any:
        assert tile == Tile(level=0, index=0, width=self.size)
        return raw(TESTLOG["level0_tiles_b64"][str(self.size)])

    def bundle(self, bundle: Bundle) -> Any:
        assert bundle == Bundle(index=0, width=self.size)
        return raw(TESTLOG["entry_bundles_b64"][str(self.size)])


@TESSERA.each({f"verify and continue at {size}": size for size in SIZES}, "size")
def test_a_real_log_verifies_at_every_size_and_continues_every_smaller_one(size: int) -> None:
    report = verify_log(
        TestLog(size),
        records=None,
        vkey=TESTLOG["vkey"],
        high_water=TESTLOG["checkpoints"][str(size)],
        earlier=[TESTLOG["checkpoints"][str(other)] for other in SIZES if other <= size],
        verify_ed25519=verify_ed25519,
        ticks=lambda: 0.0,
        progress=lambda *_: None,
    )
    assert (report.origin, report.entries) == (TESTLOG["origin"], size)
    assert report.continues == tuple(other for other in SIZES if other <= size)


@TESSERA.each({f"roots and proofs at {size}": size for size in SIZES if size}, "size")
def test_tiles_and_bundles_of_a_real_log_give_its_roots_and_proofs(size: int) -> None:
    log = TestLog(size)
    checkpoint = verify_checkpoint(log.checkpoint(), [verify_vkey(TESTLOG["vkey"])], verify_ed25519)
    read = tile_reader(log.tile, size)
    assert merkle.root(size, read) == checkpoint.root
    bundle = Bundle(index=0, width=size)
    entries = decode_bundle(bundle, log.bundle(bundle))
    assert [entry.decode() for entry in entries] == TESTLOG["leaves"][:size]
    assert merkle.leaf_hashes(entries) == split_tile(Tile(level=0, index=0, width=size), log.tile(Tile(level=0, index=0, width=size)))
    for index, entry in enumerate(entries):
        proof = merkle.inclusion_proof(index, size, read)
        merkle.verify_inclusion(index=index, size=size, leaf=merkle.leaf_hash(entry), proof=proof, expected_root=checkpoint.root)
    for old in range(1, size):
        earlier = verify_checkpoint(TESTLOG["checkpoints"][str(old)], [verify_vkey(TESTLOG["vkey"])], verify_ed25519)
        proof = merkle.consistency_proof(old, size, read)
        merkle.verify_consistency(old=old, new=size, old_root=earlier.root, new_root=checkpoint.root, proof=proof)


def test_the_real_log_is_whole() -> None:
    assert list(range(16)) == SIZES


@pytest.mark.xdist_group("live")
def test_the_same_reader_reads_the_log_of_a_served_desk(live: Live) -> None:
    live.anna.grant(live.agent().sandbox, mandate())
    with open_published_log(f"{live.url}/log") as log:
        report = verify_log(
            log,
            records=None,
            vkey=live.http.get("/log/key").text.strip(),
            high_water=None,
            earlier=[],
            verify_ed25519=verify_ed25519,
            ticks=lambda: 0.0,
            progress=lambda *_: None,
        )
    assert report.entries > 0


WITNESS = vector_set("tlog-witness")


@pytest.mark.xdist_group("live")
def test_a_witness_is_not_listening(live: Live, request: pytest.FixtureRequest) -> None:
    exchanges = WITNESS.read()["exchanges"]
    assert live.http.post("/add-checkpoint", content=exchanges[0]["body"].encode()).status_code == 404
    WITNESS.judge(request, {f"exchange {number}": None for number, _ in enumerate(exchanges, 1)})
