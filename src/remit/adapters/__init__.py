"""A folder per port, a file per plug. A plug knows its port and the domain, never another plug."""
