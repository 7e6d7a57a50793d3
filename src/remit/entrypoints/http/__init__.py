"""The HTTP layer: routing, limits, cookies, wire formats and replies."""
