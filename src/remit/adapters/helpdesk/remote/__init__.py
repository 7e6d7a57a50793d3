"""A company's own helpdesk behind the port: one connector with its journal, and a dialect for each product."""
