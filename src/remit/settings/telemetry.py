"""The `[telemetry]` table of `remit.toml`: destination and rate of traces, and trust in callers' trace ids."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta

from remit.domain.structs import struct
from remit.settings.decode import InvalidSetting, Table

_PATH: Final = "/v1/traces"
_WHOLE: Final = 100
_COLLECTOR: Final = 'the http(s) address of an OpenTelemetry collector, such as "http://localhost:4318"'
_PERCENT: Final = f"a whole number from 1 to {_WHOLE}; take otlp_endpoint out for no traces"


class TelemetryTable(Table, frozen=True):
    """`[telemetry]`."""

    otlp_endpoint: Annotated[str, Meta(description=_COLLECTOR)] = ""
    sample_percent: Annotated[int, Meta(ge=1, le=_WHOLE, description=_PERCENT)] = _WHOLE
    trust_traceparent: bool = False


@struct(frozen=True, kw_only=True)
class Telemetry:
    """Traces of a percentage of requests go to `endpoint`; without one there are none."""

    endpoint: str = ""
    sample_percent: int = _WHOLE
    trusts_callers: bool = False


def telemetry_of(table: TelemetryTable) -> Telemetry:
    """Return the table's settings.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    endpoint = _endpoint(table.otlp_endpoint)
    return Telemetry(endpoint=endpoint, sample_percent=table.sample_percent, trusts_callers=table.trust_traceparent)


def _endpoint(value: str) -> str:
    """Return a collector's address; without a path, the one that OTLP gives traces."""
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise InvalidSetting("telemetry.otlp_endpoint", f"must be {_COLLECTOR}") from None
    if not known or parts.query or parts.fragment:
        raise InvalidSetting("telemetry.otlp_endpoint", f"must be {_COLLECTOR}")
    if parts.username is not None or parts.password is not None:
        # ⚔ The address is shown in errors when it cannot be reached.
        problem = "must carry no credential; give the collector's in OTEL_EXPORTER_OTLP_HEADERS"
        raise InvalidSetting("telemetry.otlp_endpoint", problem)
    return value if parts.path.strip("/") else value.rstrip("/") + _PATH
