"""Remit: a gate in front of a support desk for AI agents that speak for customers.

This file holds only the version; each room documents itself.
"""

__version__ = "0.1.0"
