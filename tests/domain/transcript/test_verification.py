"""What does not verify is refused, each with its own code."""

from collections.abc import Callable

import pytest

from remit.domain.errors import Code, Refused
from remit.domain.transcript import verification
from remit.proof.tiles import Bundle, Tile

ROOT = b"r" * 32


@pytest.mark.parametrize(
    ("check", "code"),
    [
        (lambda: verification.make_vkey("a name", bytes(32)), Code.RECEIPT_INVALID),
        (lambda: verification.verify_vkey("nonsense"), Code.RECEIPT_INVALID),
        (lambda: verification.verify_checkpoint("nonsense", [], lambda *_: None), Code.RECEIPT_INVALID),
        (
            lambda: verification.verify_consistency(old=1, new=1, old_root=ROOT, new_root=bytes(32), proof=[]),
            Code.LOG_DAMAGED,
        ),
        (lambda: verification.split_tile(Tile(level=0, index=0, width=1), b""), Code.LOG_DAMAGED),
        (lambda: verification.decode_bundle(Bundle(index=0, width=1), b""), Code.LOG_DAMAGED),
        (lambda: verification.tile_reader(lambda _: b"", 1)(0, 0), Code.LOG_DAMAGED),
        (lambda: verification.verify_path("tile/0/0"), Code.REQUEST_NOT_FOUND),
    ],
    ids=["key", "keys", "checkpoint", "consistency", "tile", "bundle", "subtree", "path"],
)
def test_what_does_not_verify_is_refused_with_its_code(check: Callable[[], object], code: Code) -> None:
    with pytest.raises(Refused) as caught:
        check()
    assert (caught.value.code, bool(caught.value.detail)) == (code, True)


def test_a_tile_that_cannot_be_had_is_refused_as_its_log_says() -> None:
    def lost(_: Tile) -> bytes:
        raise Refused(Code.REQUEST_NOT_FOUND, "not that far yet")

    with pytest.raises(Refused) as caught:
        verification.tile_reader(lost, 1)(0, 0)
    assert caught.value.code is Code.REQUEST_NOT_FOUND
