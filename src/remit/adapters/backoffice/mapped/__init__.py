"""A backoffice without a service of its own: a system's API, by its OpenAPI document and a mapping."""
