"""The command line, above wiring. One module per group of commands: decode, call one use case, print the result."""
