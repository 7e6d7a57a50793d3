"""One `Protocol` per outside part: its promises in prose, its faults, no vendor."""
