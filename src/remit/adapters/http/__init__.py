"""HTTP to the systems of the settings: a company's backoffice and its helpdesk."""
