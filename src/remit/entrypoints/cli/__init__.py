"""The command line. One module for each group of commands; each decodes, calls one use case and tells what came of it."""
