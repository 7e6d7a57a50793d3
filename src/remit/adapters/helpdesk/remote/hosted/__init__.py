"""Hosted helpdesk products: one interpreter, and a table of requests and members for each product."""
