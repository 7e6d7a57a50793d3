"""Registration of agents, and effects of refused credentials."""
