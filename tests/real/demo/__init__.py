"""`make demo REAL=1`: the main job before a real helpdesk and a real shop."""
