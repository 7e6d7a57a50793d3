"""JSON doors for customers and officers, and sign-in."""
