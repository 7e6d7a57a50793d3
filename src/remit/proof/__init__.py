"""Formats and proofs of the log: canonical JSON, Merkle tree, signed checkpoint, tiles, receipt.

One implementation for the desk, the client and `remit verify`. Standard library only; it imports no room of Remit.
"""
