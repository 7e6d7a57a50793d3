"""Requests, tokens and registration of agents without a key of their own (docs/model/visitors.md#request)."""
