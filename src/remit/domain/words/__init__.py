"""Words of an ask, matched against the ask itself."""
