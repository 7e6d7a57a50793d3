"""One desk's settings: `remit.toml` and `REMIT_*`. A missing one stops the start; no default loosens a check."""

from remit.settings.backoffice import BackofficeSettings, DirectorySettings, MappedSettings
from remit.settings.decode import InvalidSetting
from remit.settings.deliveries import DeliverySettings
from remit.settings.events import EventsSettings, ReceiverSettings, TransmitterSettings
from remit.settings.helpdesk import HelpdeskSettings
from remit.settings.leaks import LeakSettings
from remit.settings.load import POINTS, load_settings, make_settings, rebind_address
from remit.settings.model import Settings
from remit.settings.notify import NotifySettings, SmtpSettings, WebhookSettings
from remit.settings.people import PeopleSettings
from remit.settings.telemetry import Telemetry
from remit.settings.values import carries_password, is_postgres_url

__all__ = [
    "POINTS",
    "BackofficeSettings",
    "DeliverySettings",
    "DirectorySettings",
    "EventsSettings",
    "HelpdeskSettings",
    "InvalidSetting",
    "LeakSettings",
    "MappedSettings",
    "NotifySettings",
    "PeopleSettings",
    "ReceiverSettings",
    "Settings",
    "SmtpSettings",
    "Telemetry",
    "TransmitterSettings",
    "WebhookSettings",
    "carries_password",
    "is_postgres_url",
    "load_settings",
    "make_settings",
    "rebind_address",
]
