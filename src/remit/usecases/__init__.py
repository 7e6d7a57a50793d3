"""One file per thing somebody can ask, each a straight line: load, decide, record, act."""
