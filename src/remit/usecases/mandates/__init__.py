"""Granting, narrowing, delegating, revoking and resuming mandates."""
