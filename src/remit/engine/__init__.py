"""Steps that several use cases share, one package per concept; they never call a use case."""
