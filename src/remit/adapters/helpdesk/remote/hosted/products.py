"""The hosted products by their names in the settings."""

from collections.abc import Mapping
from typing import Final

from remit.adapters.helpdesk.remote.hosted.freshdesk import FRESHDESK
from remit.adapters.helpdesk.remote.hosted.intercom import INTERCOM
from remit.adapters.helpdesk.remote.hosted.jira import JIRA
from remit.adapters.helpdesk.remote.hosted.table import Product
from remit.adapters.helpdesk.remote.hosted.zendesk import ZENDESK

HOSTED: Final[Mapping[str, Product]] = {
    "intercom": INTERCOM,
    "zendesk": ZENDESK,
    "freshdesk": FRESHDESK,
    "jira": JIRA,
}
