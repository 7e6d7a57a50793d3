"""Where traces go, as `remit.toml` says it; and a start without what they need."""

import sys
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import PACK
from cli.running import Run, refused
from remit.adapters.tracing.off import NoTracing
from remit.domain.errors import Code, Refused
from remit.sandbox import Sandbox
from remit.settings import Telemetry
from settings_made import settings_made


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("https://traces.example/", "https://traces.example/v1/traces"),
        ("https://traces.example/otlp/v1/traces", "https://traces.example/otlp/v1/traces"),
        ("", ""),
    ],
)
def test_an_address_without_a_path_gets_the_one_of_otlp(tmp_path: Path, given: str, endpoint: str) -> None:
    assert settings_made(tmp_path, telemetry={"otlp_endpoint": given}).telemetry == Telemetry(endpoint=endpoint)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("otlp_endpoint", value)
        for value in (
            1,
            True,
            "localhost:4318",
            "ftp://x",
            "http://",
            "http://x:0",
            "http://x:y",
            "http://x/?a=1",
            "http://x/#a",
            "http://u:p4ss-word@x",
        )
    ]
    + [("sample_percent", value) for value in (0, 101, True, 1.5, "10")]
    + [("trust_traceparent", value) for value in (1, "yes")],
)
def test_what_is_none_is_said_with_its_key(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(Refused) as said:
        settings_made(tmp_path, telemetry={key: value})
    assert said.value.code is Code.SETTINGS_INVALID
    assert said.value.detail.startswith(f"telemetry.{key} ")
    assert "p4ss-word" not in said.value.detail


def test_nothing_is_traced_nor_anything_of_it_imported_unless_a_collector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "remit.adapters.tracing.otel", raising=False)
    with Sandbox(PACK / "catalogue.toml") as room:
        assert room.desk is not None
        assert isinstance(room.desk.context.tracing, NoTracing)
    assert "remit.adapters.tracing.otel" not in sys.modules


def test_a_collector_without_the_extra_stops_the_start_with_a_cure(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = desk / "remit.toml"
    file.write_text(file.read_text() + '\n[telemetry]\notlp_endpoint = "http://localhost:4318"\n')

    monkeypatch.delitem(sys.modules, "remit.adapters.tracing.otel", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)  # as where it is not installed
    ran = remit("serve", "--config", desk, "--port", "0")
    refused(ran, "settings.invalid", "needs the extra `otel`")
    assert "pip install remit[otel]" in ran.err
