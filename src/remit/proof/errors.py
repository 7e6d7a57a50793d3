"""Errors of proofs. They carry no public code: the desk and the client each translate them into their own."""


class ProofError(Exception):
    """A proof, or a part of one, that does not verify or has another form."""

    def __init__(self, reason: str) -> None:
        """Carry the reason, for people."""
        super().__init__(reason)
        self.reason = reason


class LogDamagedError(ProofError):
    """A log that contradicts its own checkpoints, or lacks a part of its tree."""


class NoTileError(ProofError):
    """A path that names no tile."""
