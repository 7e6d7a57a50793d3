"""Formats that desk and client share: canonical JSON, Merkle tree, signed checkpoint, tiles, receipt, granted actions.

One implementation for the desk, the client and `remit verify`. Standard library only; it imports no room of Remit.
"""
