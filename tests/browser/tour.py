"""Makes the pictures of docs/tour.md: `make screenshots`. A real desk, a real browser, a virtual passkey; nothing is touched up."""

import copy
import json
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect

import remit
from browser.desk_server import serving_pack
from browser.usability_scene import BRAMS, COMPLAIN
from browser.visits import CALLBACK, CHROMIUM, Visit, chromium, visit
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxTask

EXAMPLE = Path(remit.__file__).parent / "packs" / "consumer" / "examples" / "return-item.json"
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "tour"
WIDE = {"width": 1200, "height": 800}
PHONE = {"width": 390, "height": 800}


class Tour:
    """The pictures, as they are taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.taken: list[str] = []

    def take(self, name: str, one: Visit, *, size: dict[str, int] | None = None, dark: bool = False, whole: bool = True) -> None:
        """One picture of the page as it stands; a page that complained takes no picture."""
        if one.errors:
            raise SystemExit(f"{name}: the page complained: {one.errors}")
        one.page.set_viewport_size({"width": (size or WIDE)["width"], "height": (size or WIDE)["height"]})
        one.page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
        one.page.screenshot(path=self._folder / f"{name}.png", full_page=whole, animations="disabled")
        self.taken.append(name)
        print(f"  {name}.png", flush=True)  # noqa: T201  # a command tells


def walk_customer(tour: Tour, browser: Browser, desk: Sandbox) -> tuple[Visit, SandboxTask]:
    """A customer's side of it, up to where something waits for them again."""
    agent = desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")
    anna = visit(browser, desk)
    anna.enrol("anna", "customer", "Anna Berg", [])
    request, state = agent.push(json.loads(EXAMPLE.read_text())["mandate"])
    came_back: list[str] = []
    anna.page.route(CALLBACK, lambda route: (came_back.append(route.request.url), route.fulfill(status=200, body="back at the agent")))
    anna.open(f"/oauth/authorize?request_uri={request}&client_id={agent.client_id}")
    tour.take("consent", anna)
    anna.page.locator('[data-power="3"]').get_by_text("Allow less").click()
    anna.page.locator('[data-power="3"]').get_by_label("Amount (maximum)", exact=True).fill("40.00")
    anna.page.locator("h1").click()
    anna.result("This is what you would allow now.")
    tour.take("consent-phone", anna, size=PHONE)
    anna.page.get_by_role("button", name="Allow with passkey").click()
    anna.page.wait_for_url(CALLBACK)
    task = agent.open(dict(agent.redeem(came_back[0], state))["mandate"])
    task.ask("order.read", {"order_id": "W1001"})
    returned = task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1"]}, words="The kettle leaks, please take it back.")
    anna.open("/me")
    tour.take("me-waiting", anna)
    anna.page.get_by_role("link", name="Review").click()
    anna.ready()
    tour.take("confirm", anna)
    tour.take("confirm-phone", anna, size=PHONE, dark=True)
    anna.page.get_by_role("button", name="Deutsch").click()
    anna.page.locator("html[lang=de][data-ready]").wait_for()
    tour.take("confirm-german", anna, size=PHONE)
    anna.page.get_by_role("button", name="English").click()
    anna.page.locator("html[lang=en][data-ready]").wait_for()
    anna.page.get_by_role("button", name="Approve with passkey").click()
    anna.result("Done.")
    if returned.again().outcome != "done":
        raise SystemExit("the kettle was not taken back")
    task.ask("payment.refund", {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "129.90 EUR"})
    task.ask("payment.refund", {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"})
    return anna, task


def complain(desk: Sandbox) -> None:
    """Ask for another customer: a complaint, and a refund that takes an officer too."""
    agent = desk.agent("spiffe://parcels.example/bot", operator="parcels.example", name="Parcel watcher")
    bram = desk.customer("bram", name="Bram de Wit")
    mandate = copy.deepcopy(COMPLAIN)
    mandate["objective"] = {"type": "complain", "target": {"order": [BRAMS]}, "summary": "complain about the desk lamp"}
    task = agent.open(bram.grant(agent, mandate))
    task.ask("complaint.file", {"kind": "damaged", "order_id": BRAMS, "text": "The lamp arrived with a scratch on its foot."})
    reply = task.ask("payment.refund", {"order_id": BRAMS, "payment_method_id": "pm_9", "amount": "64.00 EUR"})
    bram.confirm(reply)


def walk(tour: Tour, browser: Browser, desk: Sandbox) -> None:
    """The story of docs/tour.md, from the first sign-in to the record."""
    anna, task = walk_customer(tour, browser, desk)
    complain(desk)
    walk_desk(tour, browser, desk, task.case)
    sam = visit(browser, desk)
    sam.enrol("sam", "officer", "Sam Hale", ["admin"])
    sam.open("/security/agents")
    sam.page.get_by_text("Stop an operator, customer or purpose").click()
    sam.page.get_by_label("Which one").fill(task.agent.client_id)
    sam.page.get_by_role("button", name="Preview impact").first.click()
    sam.page.locator("[data-foreseen] p").first.wait_for()
    tour.take("security", sam, whole=False)
    anna.open("/me")
    anna.page.locator("summary", has_text="refund €40.00").first.click()
    anna.page.locator("details[open] .disown summary").click()
    tour.take("me-history", anna)
    anna.page.locator("details[open]").get_by_role("link", name="check it here").first.click()
    anna.result("Valid")
    tour.take("receipt", anna)
    sam.open("/audit")
    sam.page.locator(".integrity > summary").click()
    sam.page.get_by_role("button", name="Verify all entries").click()
    sam.result("entries")
    tour.take("audit", sam, whole=False)
    sam.open(f"/audit/cases/{task.case}")
    tour.take("story", sam)
    sam.open("/audit/report")
    tour.take("report", sam, whole=False)
    walk_incident(tour, anna, sam)
    for one in (anna, sam):
        one.context.close()


def walk_incident(tour: Tour, anna: Visit, sam: Visit) -> None:
    """The customer did not ask for it, and security finds out."""
    anna.open("/me")
    anna.page.locator("summary", has_text="refund €40.00").first.click()
    anna.page.locator("details[open] .disown summary").click()
    anna.page.get_by_role("button", name="This wasn't me: end this agent's access").first.click()
    expect(anna.page.locator("details[open] .disown [data-result]")).to_contain_text("ended at once")
    sam.open("/security")
    tour.take("incidents", sam, whole=False)
    sam.page.locator(".incidents a.title").first.click()
    sam.ready()
    sam.page.get_by_role("button", name="Assign to me").click()
    expect(sam.page.locator(".timeline")).to_contain_text("Sam Hale is working on it.")
    tour.take("incident", sam)


def walk_desk(tour: Tour, browser: Browser, desk: Sandbox, case: str) -> None:
    """An officer's side of it."""
    olga = visit(browser, desk)
    olga.enrol("olga", "officer", "Olga Kern", ["care"])
    olga.open("/desk")
    tour.take("desk", olga)
    olga.page.get_by_role("link", name="Refund €64.00").click()
    olga.ready()
    tour.take("decide", olga)
    olga.open(f"/desk/cases/{case}")
    olga.page.get_by_label("Your reply").fill("Your parcel label went to anna@mail.example, born 17 April 1988.")
    olga.page.get_by_role("button", name="Check and send").click()
    olga.result("Not sent")
    tour.take("case", olga)
    olga.context.close()


def main() -> int:
    """Take them all."""
    if CHROMIUM is None:
        print("remit: there is no chromium here. Cure: apt-get install chromium", file=sys.stderr)  # noqa: T201  # a command tells
        return 1
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="remit-tour-") as room,
        serving_pack(Path(room), "consumer") as issuer,
        Sandbox({}, base_url=issuer) as desk,
        chromium() as browser,
    ):
        walk(Tour(folder), browser, desk)
    return 0


if __name__ == "__main__":
    sys.exit(main())
