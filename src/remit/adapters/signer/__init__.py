"""Plugs for the signer port: the desk's own keys."""
