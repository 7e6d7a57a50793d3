"""JSON endpoints for the desk's security, audit and case work."""
