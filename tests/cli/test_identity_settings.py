"""Settings of identity sources: off unless set, and a wrong one stops the start with its key and cure."""

import sys
from pathlib import Path

import pytest

from remit.settings import InvalidSetting
from remit.wiring.identity import workload_bundles
from settings_made import settings_made


def test_nothing_is_on_unless_it_is_set(tmp_path: Path) -> None:
    made = settings_made(tmp_path)
    assert (made.tls_proxies, made.federation, made.strangers, made.workload_api) == ((), (), False, "")
    assert workload_bundles(made) is None


def test_a_workload_api_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = settings_made(tmp_path, spiffe={"workload_api": "unix:///run/agent.sock"})
    monkeypatch.setitem(sys.modules, "spiffe", None)
    monkeypatch.delitem(sys.modules, "remit.adapters.identity.workload_api", raising=False)
    with pytest.raises(InvalidSetting, match=r"spiffe\.workload_api needs the extra `spiffe`") as caught:
        workload_bundles(made)
    assert "pip install remit[spiffe]" in caught.value.cure


@pytest.mark.parametrize("address", ["/run/agent.sock", "unix:agent.sock", "https://agent.example"])
def test_a_workload_api_is_a_socket_or_an_address_of_this_machine(tmp_path: Path, address: str) -> None:
    with pytest.raises(InvalidSetting, match=r"spiffe\.workload_api must be"):
        settings_made(tmp_path, spiffe={"workload_api": address})


def test_the_provider_that_people_log_in_at_is_no_issuer_of_workloads(tmp_path: Path) -> None:
    credential = tmp_path / "own" / "credential"
    credential.parent.mkdir(mode=0o700)
    credential.write_bytes(b"x")
    credential.chmod(0o600)
    oidc = {
        "issuer": "https://login.example",
        "name": "Acme",
        "client_id": "remit",
        "secret_file": str(credential),
        "customers": "create",
        "customer_claim": "sub",
    }
    rule = {"issuer": "https://login.example", "subject": "x", "agent": "x"}
    with pytest.raises(InvalidSetting, match=r"federation\.issuer is the server itself, or the provider"):
        settings_made(tmp_path, server={"issuer": "https://desk.example"}, people={"oidc": oidc}, federation=[rule])
