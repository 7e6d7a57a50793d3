"""Health, metrics and background jobs."""
