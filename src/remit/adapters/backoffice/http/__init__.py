"""The backoffice contract over HTTP, version 1: the client of Remit, and the server of any backoffice."""
