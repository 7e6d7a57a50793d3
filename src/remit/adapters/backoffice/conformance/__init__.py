"""Conformance suite of the backoffice contract, run by tests and by `remit check-backoffice`."""
