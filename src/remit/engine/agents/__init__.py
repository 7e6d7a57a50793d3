"""Authentication of workloads and replay protection."""
