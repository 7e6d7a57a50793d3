"""The pages in German in a real browser: chosen with and without JavaScript, nothing of them left in English, used and signed, on a phone."""

import json
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from playwright.sync_api import Browser, ViewportSize, expect

import remit
import texts
from browser.accessible import check_usable
from browser.desk_server import serving_pack
from browser.visits import CALLBACK, CHROMIUM, Visit, visit
from remit.sandbox import Sandbox

EXAMPLE = Path(remit.__file__).parent / "packs" / "consumer" / "examples" / "return-item.json"
PHONE = ViewportSize(width=360, height=780)
ENGLISH = [
    one.msgid
    for one in polib.pofile(str(texts.FOLDER / "de.po"))
    if one.msgid != one.msgstr and len(one.msgid) > 12 and not set("{<") & set(one.msgid)
]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser-access"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with serving_pack(tmp_path_factory.mktemp("german"), "consumer") as issuer, Sandbox({}, base_url=issuer) as sandbox:
        yield sandbox


def german(browser: Browser, desk: Sandbox, person: str, kind: str, name: str, roles: list[str]) -> Visit:
    """Somebody who chooses German on the first page they see, and enrols."""
    one = visit(browser, desk)
    one.page.set_viewport_size(PHONE)
    body = {"id": person, "kind": kind, "name": name, "roles": roles, "how": "vouched"}
    one.open(f"/enrol?code={desk.room.control('POST', '/sandbox/v1/people', body)['code']}")
    one.page.get_by_role("button", name="Deutsch").click()
    expect(one.page.locator("html")).to_have_attribute("lang", "de")
    one.ready()
    one.page.get_by_label("Gerätename").fill("Mein Telefon")
    one.page.get_by_role("button", name="Passkey erstellen").click()
    expect(one.page.get_by_role("button", name="Abmelden", exact=True)).to_be_visible()
    return one


def look(one: Visit, path: str = "") -> None:
    """A page, or the one that is open: all of it in German, whole on a phone, usable by everybody."""
    if path:
        one.open(path)
    one.ready()
    one.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert one.page.locator("html").get_attribute("lang") == "de"
    shown = one.page.locator("body").inner_text()
    names = one.page.evaluate(
        "[...document.querySelectorAll('[aria-label], [placeholder], [data-name]')].flatMap((one) =>"
        " [one.ariaLabel, one.placeholder, one.dataset.name]).filter(Boolean).join('\\n')"
    )
    assert [english for english in ENGLISH if english in shown or english in names] == []
    check_usable(one.page, PHONE["width"], path)
    assert one.errors == []


@pytest.mark.proves("LANGUAGE", "ACCESS")
def test_everything_is_read_and_signed_in_german(browser: Browser, desk: Sandbox) -> None:
    agent = desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")
    anna = german(browser, desk, "anna", "customer", "Anna Berg", [])
    request, state = agent.push(json.loads(EXAMPLE.read_text())["mandate"])
    came_back: list[str] = []
    anna.page.route(CALLBACK, lambda route: (came_back.append(route.request.url), route.fulfill(status=200, body="back at the agent")))
    anna.open(f"/oauth/authorize?request_uri={request}&client_id={agent.client_id}")
    anna.ready()
    refund = anna.page.locator('[data-power="3"]')
    refund.get_by_text("Weniger erlauben").click()
    refund.get_by_label("Betrag (höchstens)", exact=True).fill("500")
    expect(anna.page.locator("[data-result]:not(:empty)").first).to_contain_text("„500 EUR“ ist mehr als angefragt (49.90 EUR).")
    refund.get_by_label("Betrag (höchstens)", exact=True).fill("45")
    expect(refund.locator("[data-details]")).to_contain_text("Betrag: höchstens 45,00 €")
    look(anna)
    anna.page.get_by_role("button", name="Mit Passkey erlauben").click()
    anna.page.wait_for_url(CALLBACK)
    task = agent.open(dict(agent.redeem(came_back[0], state))["mandate"])
    returned = task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1"]}, words="The kettle leaks.")
    look(anna, "/me")
    anna.page.get_by_role("link", name="Prüfen", exact=True).click()
    look(anna)
    anna.page.get_by_role("button", name="Mit Passkey zustimmen").click()
    anna.result("Erledigt.")
    assert returned.again().outcome == "done"
    look_at_the_desk(browser, desk, task.case)
    second = task.ask("payment.refund", {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"})
    anna.open("/me")
    anna.page.get_by_role("link", name="Prüfen", exact=True).click()
    anna.ready()
    anna.page.get_by_role("button", name="Weniger erlauben").click()
    anna.page.get_by_label("Betrag").fill("40")
    anna.page.get_by_role("button", name="Änderungen prüfen").click()
    anna.result("Das ist nicht weniger als angefragt.")
    anna.page.get_by_label("Betrag").fill("25")
    anna.page.get_by_role("button", name="Änderungen prüfen").click()
    expect(anna.page.locator("[data-lesser-lines]")).to_contain_text(
        "25,00 € für Bestellung „Kettle and desk lamp“ auf „Card ending 4242“ erstatten"
    )
    anna.page.get_by_role("button", name="Geänderter Anfrage mit Passkey zustimmen").click()
    anna.result("Erledigt, mit Ihren Änderungen.")
    assert second.again().state == "countered"
    entry = anna.desk.transcript()[-1]["index"]
    for path in ("/me", "/me/history", f"/verify?entry={entry}", "/resume", "/security", "/nowhere"):
        look(anna, path)
    signed = [one for one in anna.desk.transcript() if one["kind"] == "confirmation.answered"]
    lines = [line["text"] for line in signed[0]["customer"]["rendering"]["lines"]]
    assert any(text.startswith("Artikel der Bestellung „Kettle and desk lamp“ zurücksenden:") for text in lines)
    anna.page.get_by_role("button", name="English").click()
    expect(anna.page.locator("html")).to_have_attribute("lang", "en")
    anna.context.close()


def look_at_the_desk(browser: Browser, desk: Sandbox, case: str) -> None:
    olga = german(browser, desk, "olga", "officer", "Olga Kern", ["care"])
    look(olga, "/desk")
    olga.open(f"/desk/cases/{case}")
    olga.ready()
    olga.page.get_by_label("Ihre Antwort").fill("Geboren 17 April 1988, nicht wahr?")
    olga.page.get_by_role("button", name="Prüfen und senden").click()
    expect(olga.page.locator("[data-said]")).to_contain_text("Die markierte Stelle darf dieser Agent nicht erhalten:")
    look(olga)
    olga.context.close()
    sam = german(browser, desk, "sam", "officer", "Sam Hale", ["admin"])
    sam.open("/security/agents")
    sam.ready()
    sam.page.get_by_text("Betreiber, Kunden oder Zweck stoppen").click()
    sam.page.get_by_label("Wen oder was").fill("spiffe://helper.example/shop")
    sam.page.get_by_role("button", name="Auswirkungen ansehen").first.click()
    expect(sam.page.locator("[data-foreseen]").first).to_contain_text("Sofort enden würden: 1 laufende Aufgabe, 0 offene Zustimmungen")
    look(sam)
    sam.open("/audit")
    sam.ready()
    sam.page.locator(".integrity > summary").click()
    sam.page.get_by_role("button", name="Alle Einträge prüfen").click()
    sam.result("Einträge sind seit der Aufzeichnung unverändert (1 Kachel, ")
    look(sam)
    look(sam, f"/audit/cases/{case}")
    sam.context.close()


@pytest.mark.proves("LANGUAGE")
def test_the_language_is_chosen_and_kept_without_javascript(browser: Browser, desk: Sandbox) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(f"{desk.room.issuer}/login?next=%2Fme")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    assert page.url.endswith("/login?next=%2Fme")
    page.goto(f"{desk.room.issuer}/enrol?code=none")
    expect(page.get_by_role("heading", name="Dieser Link funktioniert nicht mehr")).to_be_visible()
    context.close()
    context = browser.new_context(java_script_enabled=False, locale="de-AT")
    page = context.new_page()
    page.goto(f"{desk.room.issuer}/login")
    expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    expect(page.get_by_role("button", name="Deutsch")).to_have_attribute("aria-current", "true")
    context.close()
