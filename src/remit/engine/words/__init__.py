"""The words check of an ask."""
