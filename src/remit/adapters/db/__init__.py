"""Database connections and workers that several plugs share."""
