"""Mandates: parsing, coverage of an ask, narrowing, limits and the signed grant."""
