"""Secrets and personal data: detection, redaction, and withholding of data that a mandate does not cover."""
