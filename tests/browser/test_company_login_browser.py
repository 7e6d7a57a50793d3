"""The company's login in a real browser: there and back under our strict content policy, a first passkey, and out everywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser.desk_server import serving
from browser.visits import CHROMIUM, Visit, visit
from desks.shop import CATALOGUE, FACTS
from provider.real import MISSING, THERE, free_port, real_provider
from remit.sandbox import Sandbox

SECRET = "of the desk and its provider alone"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.skipif(not THERE, reason=MISSING),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture
def olga(browser: Browser, tmp_path: Path) -> Iterator[Visit]:
    port = free_port()
    credential = tmp_path / "own" / "secret"
    credential.parent.mkdir(mode=0o700)
    credential.write_text(SECRET)
    credential.chmod(0o600)
    oidc = {
        "issuer": f"http://127.0.0.1:{port}",
        "name": "Acme",
        "client_id": "remit",
        "secret_file": str(credential),
        "roles_claim": "groups",
        "roles": {"desk-billing": ["billing"]},
        "customers": "none",
        "vouching_acr": ["gold"],
    }
    client = {"token_endpoint_auth_method": "client_secret_basic", "client_secret": SECRET}
    with (
        serving(tmp_path, CATALOGUE, FACTS, people={"oidc": oidc}) as issuer,
        real_provider(tmp_path, port, issuer, client) as provider,
        Sandbox(CATALOGUE, base_url=issuer) as desk,
    ):
        provider.know({"p-olga": {"name": "Olga Stein", "groups": ["desk-billing"]}})
        one = visit(browser, desk)
        yield one
        # The provider's page for leaving asks for a font from elsewhere; there is no elsewhere here.
        assert [error for error in one.errors if "ERR_NAME_NOT_RESOLVED" not in error] == []
        one.context.close()


def test_an_officer_comes_in_by_the_companys_login_and_goes_out_everywhere(olga: Visit) -> None:
    page = olga.page
    olga.open("/desk")
    page.get_by_role("link", name="Sign in with Acme").click()
    page.get_by_label("Who").fill("p-olga")
    page.get_by_label("How").fill("silver")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("heading", name="Create a passkey for Olga Stein")).to_be_visible()
    page.get_by_role("link", name="Use the stronger sign-in of Acme").click()
    page.get_by_label("Who").fill("p-olga")
    page.get_by_label("How").fill("gold")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_text("Acme has just confirmed your identity")).to_be_visible()
    olga.ready()
    page.get_by_label("Device name").fill("My laptop")
    page.get_by_role("button", name="Create passkey").click()
    page.wait_for_url(f"{olga.desk.room.issuer}/desk")
    expect(page.get_by_text("Olga Stein")).to_be_visible()
    olga.ready()
    page.get_by_role("button", name="Sign out everywhere").click()
    page.wait_for_url("**/session/end?*")
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url("**/login")
    olga.open("/desk")
    expect(page.get_by_role("link", name="Sign in with Acme")).to_be_visible()
