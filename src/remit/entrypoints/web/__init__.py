"""People's pages: rendered here, filled by the same use cases as their JSON twins, with a little JavaScript."""
