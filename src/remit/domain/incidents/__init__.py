"""Incidents: the record kept of one, the table of severities, and the shapes in which one is told outside."""
