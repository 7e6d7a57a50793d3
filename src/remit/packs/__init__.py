"""Starter packs as data: catalogue, policies, policy cases, examples and first records of three kinds of desk.

No code: packs are read by `adapters/files/pack`, and what their actions do is in `adapters/backoffice/effects`.
"""
