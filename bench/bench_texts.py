"""Texts that benches read: a support message of one kilobyte, and a browser's recording (HAR) of one mebibyte. Made here, by lot, of no data."""

import base64
import json
import random
from typing import Any, Final

MESSAGE: Final = (
    "Hello, I am writing on behalf of my customer Anna Berg, who ordered a kettle (order #W6137285) on March 7 for 39.90 EUR. "
    "The parcel arrived on Tuesday, but the lid does not close, and the handle has a crack of about two centimetres near the hinge. "
    "She already tried what the manual says on page 12, and she also wrote to the shop through the form on https://www.example.com/help/contact?topic=returns, "
    "but nobody has answered for nine days. The tracking page says that the parcel 1Z999AA10123456784 was delivered on time, so there is no doubt about that. "
    "What she would like is to send the kettle back and to have the money returned to the card she paid with; an exchange would be fine too, as long as it is the same model in white. "
    "Could you please tell us which address the parcel must be sent to, whether the label is free, and how long the refund takes once you have it? "
    'The reference of her first message was 2026-11-03/4711, and version 2.4.1 of the app shows the order as "closed", which is not right either. '
    "If anything is missing, please say so and we will send it on the same day. Thank you very much and kind regards, her assistant."
)[:1024]


def har(size: int = 1 << 20, seed: int = 7) -> str:
    """A browser's recording: entries with their headers, cookies, queries and bodies."""
    lot = random.Random(seed)
    entries: list[Any] = []
    text = ""
    while len(text) < size:
        entries.extend(_entry(lot, len(entries) + number) for number in range(40))
        text = json.dumps(
            {"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "entries": entries}}
        )
    return text[:size]


def _entry(lot: random.Random, number: int) -> dict[str, Any]:
    path = "/".join(lot.choice(("assets", "api", "orders", "products", "static", "img", "v2")) for _ in range(3))
    host = lot.choice(("www.shop.example", "cdn.shop.example", "api.shop.example"))
    query = [{"name": name, "value": str(lot.randrange(10_000))} for name in ("page", "size", "sort")]
    address = f"https://{host}/{path}/{lot.choice(('kettle', 'lamp', 'chair'))}-{number}?" + "&".join(
        f"{one['name']}={one['value']}" for one in query
    )
    headers = [
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-US,en;q=0.9,de;q=0.8"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
        ),
        ("cache-control", "max-age=31536000, immutable"),
        ("content-type", "application/json; charset=utf-8"),
        ("referer", address),
        ("date", "Tue, 03 Nov 2026 10:11:12 GMT"),
        ("strict-transport-security", "max-age=63072000; includeSubDomains; preload"),
        ("content-security-policy", "default-src 'self'; script-src 'self' https://cdn.shop.example; img-src * data:"),
        ("etag", f'W/"{lot.randrange(1 << 32):x}"'),
    ]
    body = lot.choice(
        (
            "body { margin: 0; padding: 0; color: #333; font-family: sans-serif } ",
            "function add(a, b) { return a + b; } ",
            "the kettle is white and holds 1.7 litres, ",
        )
    )
    text = body * lot.randrange(2, 30) if number % 7 else base64.b64encode(lot.randbytes(900)).decode()
    cookies = [("theme", "dark"), ("consent", "yes")] + (
        [("session_id", f"{lot.randrange(1 << 128):032x}")] if number % 10 == 0 else []
    )
    return {
        "startedDateTime": f"2026-11-03T10:11:{number % 60:02}.{number % 1000:03}Z",
        "time": round(lot.random() * 900, 3),
        "request": {
            "method": "GET",
            "url": address,
            "httpVersion": "http/2.0",
            "headers": [{"name": name, "value": value} for name, value in headers[:7]],
            "queryString": query,
            "cookies": [{"name": name, "value": value} for name, value in cookies],
            "headersSize": -1,
            "bodySize": 0,
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "headers": [{"name": name, "value": value} for name, value in headers[7:]],
            "content": {"size": len(text), "mimeType": "text/css", "text": text},
            "redirectURL": "",
        },
        "cache": {},
        "timings": {
            "blocked": 1.2,
            "dns": -1,
            "connect": -1,
            "send": 0.1,
            "wait": round(lot.random() * 90, 3),
            "receive": 2.2,
            "ssl": -1,
        },
        "serverIPAddress": "203.0.113.7",
    }


HAR: Final = har()
