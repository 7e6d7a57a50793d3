"""Plugs of the signer port: the desk's own keys."""
