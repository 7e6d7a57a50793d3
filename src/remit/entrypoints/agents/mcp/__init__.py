"""The MCP door: the same asks as over HTTP, for clients that speak the Model Context Protocol."""
