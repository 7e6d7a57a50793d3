"""JSON endpoints for customers and officers, and sign-in."""
