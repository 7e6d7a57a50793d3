"""Proofs of identity: DPoP, client assertions, SPIFFE ids, OpenID logins, human credentials in an agent's hands."""
