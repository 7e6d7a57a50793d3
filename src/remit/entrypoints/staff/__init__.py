"""JSON doors for the desk's security, audit and case work."""
