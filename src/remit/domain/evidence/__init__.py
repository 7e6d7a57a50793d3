"""Governance figures, counted from the transcript and mapped to public frameworks."""
