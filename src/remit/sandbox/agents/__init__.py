"""Foreign agents, each in its own process: `python -m remit.sandbox.agents.honest --desk URL --identity FILE`.

They import `remit.client` and the standard library, nothing else of Remit (checked by import-linter), and print one
JSON object a line.
"""
