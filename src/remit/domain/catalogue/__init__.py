"""The catalogue: actions, attributes, objectives and the JSON Schema of params."""
