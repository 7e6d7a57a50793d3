"""The command line, above wiring. One module for each group of commands; each decodes, calls one use case and prints
the result.
"""
