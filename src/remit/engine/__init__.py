"""Steps that several use cases share, one package a concept. A use case calls them; they call no use case."""
