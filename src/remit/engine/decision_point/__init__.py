"""Steps of the decision point: callers, acts of agents, and access requests."""
