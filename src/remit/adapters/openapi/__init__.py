"""OpenAPI documents of other systems: reading them, and drafting rules from them."""
