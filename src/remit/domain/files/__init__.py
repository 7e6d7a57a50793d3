"""Attachments: detection by content, extraction of text, removal of metadata."""
