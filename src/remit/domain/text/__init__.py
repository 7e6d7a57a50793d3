"""Text normalisation and spelling."""
