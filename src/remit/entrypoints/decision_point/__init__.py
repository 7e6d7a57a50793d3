"""The door of the decision point: AuthZEN and its access request profile over HTTP."""
