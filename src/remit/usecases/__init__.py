"""Use cases, one per file, each a straight line: load, decide, record, act."""
