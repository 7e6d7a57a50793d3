"""The decision point: evaluations, searches, and access requests."""
