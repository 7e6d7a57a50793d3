"""Plugs of the identity port: client assertions (`assertions`) and DPoP proofs (`dpop`), over keys."""
