"""Adopting rules and running policy cases."""
