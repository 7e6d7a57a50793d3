"""Attachments: receiving, reading, keeping and delivering."""
