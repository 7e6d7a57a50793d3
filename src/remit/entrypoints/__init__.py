"""HTTP entry points: decode, call one use case, encode. No rule lives here."""
