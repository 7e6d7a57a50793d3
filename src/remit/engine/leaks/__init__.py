"""Leaked credentials: detection, revocation and notice to their issuers."""
