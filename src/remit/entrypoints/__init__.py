"""Bytes in, bytes out: decode, call one use case, encode. No rule lives here."""
