"""The `[telemetry]` table of `remit.toml`: where traces go, how many of them, and whether a caller may say which trace it belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from remit.domain.errors import Code, Refused

KEYS: Final = frozenset({"otlp_endpoint", "sample_percent", "trust_traceparent"})
_PATH: Final = "/v1/traces"
_WHOLE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """Traces go to `endpoint`, of so many requests in a hundred; without one there are none."""

    endpoint: str = ""
    sample_percent: int = _WHOLE
    trusts_callers: bool = False


def telemetry_of(table: Mapping[str, Any]) -> Telemetry:
    """What the table says.

    Raises:
        Refused: `settings.invalid`.
    """
    percent, trusts = table.get("sample_percent", _WHOLE), table.get("trust_traceparent", False)
    if not isinstance(percent, int) or isinstance(percent, bool) or not 1 <= percent <= _WHOLE:
        raise _invalid("sample_percent", f"must be a whole number from 1 to {_WHOLE}; take otlp_endpoint out for no traces")
    if not isinstance(trusts, bool):
        raise _invalid("trust_traceparent", "must be true or false")
    return Telemetry(endpoint=_endpoint(table.get("otlp_endpoint", "")), sample_percent=percent, trusts_callers=trusts)


def _endpoint(value: object) -> str:
    """An address of a collector; without a path, the one that OTLP gives traces."""
    if value == "":
        return ""
    cure = 'must be the http(s) address of an OpenTelemetry collector, such as "http://localhost:4318"'
    if not isinstance(value, str):
        raise _invalid("otlp_endpoint", cure)
    try:
        parts = urlsplit(value)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise _invalid("otlp_endpoint", cure) from None
    if not known or parts.query or parts.fragment:
        raise _invalid("otlp_endpoint", cure)
    if parts.username is not None or parts.password is not None:
        # ⚔ What stands in an address is told where it cannot be reached.
        raise _invalid("otlp_endpoint", "must carry no credential; give the collector's in OTEL_EXPORTER_OTLP_HEADERS")
    return value if parts.path.strip("/") else value.rstrip("/") + _PATH


def _invalid(key: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"telemetry.{key} {cure}")
