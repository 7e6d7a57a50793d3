"""Secrets and personal data: detection, redaction, and the disclosure of what a mandate does not cover."""
