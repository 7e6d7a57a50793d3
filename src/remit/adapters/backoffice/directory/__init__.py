"""A company's directory (OpenLDAP, Active Directory) as the backoffice."""
