"""Plugs for the log reader port: where a verifier finds a published log."""
