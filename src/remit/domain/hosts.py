"""Names and literals of hosts, as they stand in settings and addresses. Nobody is asked for them."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a name or a literal (bracketed or not) is this machine's own, as far as can be told without asking anybody."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
