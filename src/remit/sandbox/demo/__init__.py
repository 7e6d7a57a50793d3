"""The demo: a desk, hostile and honest agents as processes of their own, and whether anything got through.

It starts everything through the command line and the doors, as anybody else would, and imports `remit.client` and
passkeys only; so `remit demo` may import it, and no circle through wiring arises.
"""
