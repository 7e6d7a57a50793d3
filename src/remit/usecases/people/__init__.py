"""Enrolment, sign-in, recovery and four-eyes changes."""
