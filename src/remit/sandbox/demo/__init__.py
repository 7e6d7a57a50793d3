"""The demo: a desk, hostile and honest agents in their own processes, and whether anything got through.

It starts everything through the command line and the HTTP API, as an outsider would, and imports only `remit.client`
and passkeys; so `remit demo` may import it without a cycle through wiring.
"""
