"""Recording, erasure and legal hold."""
