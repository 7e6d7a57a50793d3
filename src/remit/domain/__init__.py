"""The rules: pure functions over frozen values.

No input or output, clock, randomness, logging or `async` here; standard library only.
"""
