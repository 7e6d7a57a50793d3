"""The hosted products of the tests: a fake, its table, and the names of its accounts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from contracts.hosted import freshdesk, intercom, jira, zendesk
from remit.adapters.helpdesk.remote.hosted.dialect import HostedNames
from remit.adapters.helpdesk.remote.hosted.products import HOSTED
from remit.adapters.helpdesk.remote.hosted.table import Product

FIELDS: Final = {"case_field": "Remit Case", "identity_field": "Agent Identity", "state_field": "Remit State"}


@dataclass(frozen=True)
class Vendor:
    """A product, its fake, and Remit's and the officers' accounts there."""

    name: str
    fake: Callable[[], Any]
    product: Product
    names: HostedNames
    token: str
    officers: Mapping[str, str]
    base: str = ""


VENDORS: Final = {
    one.name: one
    for one in (
        Vendor(
            "intercom",
            intercom.FakeIntercom,
            HOSTED["intercom"],
            HostedNames(account=intercom.REMIT, queue=intercom.TYPE, **FIELDS),
            intercom.TOKEN,
            {"ann": intercom.ANN, "ben": intercom.BEN},
        ),
        Vendor(
            "zendesk",
            zendesk.FakeZendesk,
            HOSTED["zendesk"],
            HostedNames(account=str(zendesk.REMIT), queue=str(zendesk.GROUP), **FIELDS),
            zendesk.TOKEN,
            {"ann": str(zendesk.ANN), "ben": str(zendesk.BEN)},
        ),
        Vendor(
            "freshdesk",
            freshdesk.FakeFreshdesk,
            HOSTED["freshdesk"],
            HostedNames(account=str(freshdesk.REMIT), queue=str(freshdesk.GROUP), **FIELDS),
            freshdesk.TOKEN,
            {"ann": str(freshdesk.ANN), "ben": str(freshdesk.BEN)},
            base="/api/v2",
        ),
        Vendor(
            "jira",
            jira.FakeJira,
            HOSTED["jira"],
            HostedNames(account=jira.REMIT, queue=f"{jira.DESK}/{jira.REQUEST_TYPE}", **FIELDS),
            jira.TOKEN,
            {"ann": jira.ANN, "ben": jira.BEN},
        ),
    )
}
