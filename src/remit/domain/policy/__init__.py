"""Decisions: floors, waivers, confirmers, escalation, risk and the desk's rulebook."""
