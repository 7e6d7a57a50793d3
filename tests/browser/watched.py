"""What a person's browser is watched for: violations of the content policy, and every address that anything was asked of."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Request

_TELL = """document.addEventListener('securitypolicyviolation', (event) => {
  remitViolation({page: event.documentURI, directive: event.effectiveDirective, blocked: event.blockedURI})
    .then(() => { document.documentElement.dataset.violated = event.effectiveDirective; });
});"""


@dataclass(eq=False)
class Watched:
    """What was seen in all pages and frames of one context. Another site's own pages (`others`) answer for themselves."""

    others: frozenset[str] = frozenset()
    violations: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """The addresses that our own pages asked something of, or led to."""

    def _violated(self, _source: Any, said: dict[str, str]) -> None:
        if origin_of(said["page"]) not in self.others:
            self.violations.append(said)

    def _requested(self, request: Request) -> None:
        # A service worker's request has no frame; the desk has no service worker, so that one would stand out.
        led = request.is_navigation_request()
        if led or request.service_worker is not None or origin_of(request.frame.url) not in self.others:
            self.asked.append(request.url)


def watch(context: BrowserContext, *, others: frozenset[str] = frozenset()) -> Watched:
    """Watch every page that this context opens from now on."""
    watched = Watched(others)
    context.expose_binding("remitViolation", watched._violated)
    context.add_init_script(_TELL)  # by the debugger's own way in: the page's policy lets no such script run
    context.on("request", watched._requested)
    return watched


def origin_of(address: str) -> str:
    """The site of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
