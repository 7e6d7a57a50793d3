"""Plugs for the identity port: client assertions and DPoP proofs.

`assertions` and `dpop` are the plugs; `keys`, `key_sets`, `key_sources` and `fetching` are what they stand on.
"""
