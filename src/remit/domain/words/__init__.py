"""Message text, matched against the ask it came with."""
