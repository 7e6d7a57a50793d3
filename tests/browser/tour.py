"""Makes the pictures of docs/tour.md: `make screenshots`. A real desk, a real browser, a virtual passkey; nothing is touched up."""

import copy
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from browser.desk_server import serving
from browser.shop import CATALOGUE, FACTS, MANDATE
from browser.visits import ARGS, CHROMIUM, Visit, consent, visit
from remit.sandbox import Sandbox

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "tour"
WIDE = {"width": 1200, "height": 800}
PHONE = {"width": 390, "height": 800}
REFUND = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}


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


def walk(tour: Tour, browser: Browser, desk: Sandbox) -> None:
    """The story of docs/tour.md, from the first sign-in to the record."""
    agent = desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")
    anna = visit(browser, desk)
    anna.enrol("anna", "customer", "Anna Berg", [])
    request, _ = agent.push(copy.deepcopy(MANDATE))
    anna.open(f"/oauth/authorize?request_uri={request}&client_id={agent.client_id}")
    tour.take("consent", anna)
    tour.take("consent-phone", anna, size=PHONE)
    task = agent.open(consent(anna, agent, strike=2, at_most="60.00")["mandate"])
    task.ask("case.comment", {"text": "The kettle leaks at the base."}, words="The kettle leaks at the base.")
    task.ask("order.read", {"order_id": "W1001"})
    refund = task.ask("payment.refund", REFUND, words="Please refund 40.00 EUR for order W1001.")
    anna.open("/me")
    tour.take("me-waiting", anna)
    anna.page.get_by_role("link", name="Look and decide").click()
    anna.ready()
    tour.take("confirm", anna)
    tour.take("confirm-phone", anna, size=PHONE, dark=True)
    anna.page.get_by_role("button", name="Yes, with my passkey").click()
    anna.result("Done.")
    if refund.again().outcome != "done":
        raise SystemExit("the refund was not done")
    task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1", "i2"]})
    task.ask("payment.refund", {**REFUND, "amount": "90.00 EUR"})
    walk_desk(tour, browser, desk, task.case)
    sam = visit(browser, desk)
    sam.enrol("sam", "officer", "Sam Hale", ["admin"])
    sam.open("/security")
    sam.page.get_by_label("Which one").fill(agent.client_id)
    sam.page.get_by_role("button", name="See what it would end").click()
    sam.page.locator("[data-foreseen] p").first.wait_for()
    tour.take("security", sam, whole=False)
    anna.open("/me")
    anna.page.locator("summary", has_text="The agent asked, and a person had to agree").first.click()
    anna.page.locator("details[open] .disown summary").click()
    tour.take("me-history", anna)
    anna.page.locator("details[open]").get_by_role("link", name="check it here").first.click()
    anna.result("It holds")
    tour.take("receipt", anna)
    sam.open("/audit")
    sam.page.get_by_role("button", name="Verify everything now").click()
    sam.result("entries")
    tour.take("audit", sam, whole=False)
    sam.open("/audit/report")
    tour.take("report", sam, whole=False)
    for one in (anna, sam):
        one.context.close()


def walk_desk(tour: Tour, browser: Browser, desk: Sandbox, case: str) -> None:
    """An officer's side of it."""
    olga = visit(browser, desk)
    olga.enrol("olga", "officer", "Olga Kern", ["billing"])
    olga.open("/desk")
    tour.take("desk", olga)
    olga.open(f"/desk/cases/{case}")
    olga.page.get_by_label("Your answer").fill("We sent it to Anna, born 17 April 1988, phone +49 40 5550100.")
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
        serving(Path(room), CATALOGUE, FACTS, {"decline_pause_s": 1}) as issuer,
        Sandbox(CATALOGUE, base_url=issuer) as desk,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGS)
        walk(Tour(folder), browser, desk)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
