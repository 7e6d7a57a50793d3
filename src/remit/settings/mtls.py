"""`[mtls]`: the proxies that end TLS for this desk and hand on the client's certificate (RFC 9440)."""

import ipaddress
from typing import Annotated, Final

from msgspec import Meta

from remit.domain.identity.certificates import Network
from remit.settings.decode import InvalidSetting, Table
from remit.settings.values import Text

_WIDEST: Final = 8
_KEY: Final = "mtls.proxies"


class MtlsTable(Table, frozen=True):
    """`[mtls]`: addresses or networks of the proxies; none, and certificates are not read."""

    proxies: Annotated[
        tuple[Text, ...], Meta(description='a list of addresses of your own proxies, such as ["10.0.0.5"]')
    ] = ()


def proxies_of(table: MtlsTable) -> tuple[Network, ...]:
    """Parse the proxies.

    Raises:
        InvalidSetting: `settings.invalid`, ⚔ also for a network so wide that callers are in it.
    """
    return tuple(_network(text) for text in table.proxies)


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise InvalidSetting(
            _KEY, f"names {text}, which is no address or network, such as 10.0.0.5 or 10.0.1.0/24"
        ) from None
    if network.prefixlen < _WIDEST:
        raise InvalidSetting(_KEY, f"names {text}: callers are in it too; name your own proxies alone")
    return network
