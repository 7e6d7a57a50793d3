"""A shop with two lamps and two customers, made through Medusa's own API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

LAMPS = {"Desk lamp": 40, "Floor lamp": 60}
_COUNTRIES = ("de", "fr")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededCustomer:
    """A customer: an order that was paid and delivered, its payment and its items by name, and one that was not sent."""

    id: str
    delivered: str
    payment: str
    items: Mapping[str, str]
    open: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Results of the seed: the API keys of the account that acts and of the one that reads, and the customers."""

    secret: str
    reads: str
    customers: Mapping[str, SeededCustomer]


class Seeding:
    """Calls on an empty shop."""

    def __init__(self, client: httpx.Client, email: str, password: str) -> None:
        self._client = client
        signed_in = self.call("/auth/user/emailpass", {"email": email, "password": password})["token"]
        bearer = {"authorization": f"Bearer {signed_in}"}
        self.secret: str = self.call("/admin/api-keys", {"title": "remit", "type": "secret"}, headers=bearer)["api_key"]["token"]
        self._admin: dict[str, Any] = {"auth": (self.secret, "")}
        self.reads: str = self.admin("/admin/api-keys", {"title": "remit reads", "type": "secret"})["api_key"]["token"]
        self._variants: dict[str, str] = {}

    def call(self, path: str, body: Any = None, **more: Any) -> Any:
        """POST `body`, or GET without one."""
        answer = self._client.request("GET" if body is None else "POST", path, json=body, **more)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def admin(self, path: str, body: Any = None) -> Any:
        """Call as the shop's administrator."""
        return self.call(path, body, **self._admin)

    def furnish(self) -> None:
        """Make the channel, region, stock, ways of sending and lamps."""
        published = self.admin("/admin/api-keys", {"title": "store", "type": "publishable"})["api_key"]
        self._store_key = {"x-publishable-api-key": published["token"]}
        channel = self.admin("/admin/sales-channels", {"name": "web"})["sales_channel"]["id"]
        self.admin(f"/admin/api-keys/{published['id']}/sales-channels", {"add": [channel]})
        store = self.admin("/admin/stores")["stores"][0]["id"]
        currencies = [{"currency_code": "eur", "is_default": True}]
        self.admin(f"/admin/stores/{store}", {"supported_currencies": currencies, "default_sales_channel_id": channel})
        region = {"name": "EU", "currency_code": "eur", "countries": _COUNTRIES, "payment_providers": ["pp_system_default"]}
        self._region = self.admin("/admin/regions", region)["region"]["id"]
        self.admin("/admin/tax-regions", {"country_code": "de", "provider_id": "tp_system"})
        self._ship(channel)
        for title, price in LAMPS.items():
            self._lamp(title, price, channel)

    def _ship(self, channel: str) -> None:
        dock = {"name": "main", "address": {"address_1": "Dock 1", "city": "Berlin", "country_code": "de"}}
        self._location = self.admin("/admin/stock-locations", dock)["stock_location"]["id"]
        here = f"/admin/stock-locations/{self._location}"
        self.admin(f"{here}/sales-channels", {"add": [channel]})
        self.admin(f"{here}/fulfillment-providers", {"add": ["manual_manual"]})
        self.admin(f"{here}/fulfillment-sets", {"name": "ship", "type": "shipping"})
        (made,) = self.admin(f"{here}?fields=*fulfillment_sets")["stock_location"]["fulfillment_sets"]
        zones = [{"type": "country", "country_code": one} for one in _COUNTRIES]
        sets = self.admin(f"/admin/fulfillment-sets/{made['id']}/service-zones", {"name": "EU", "geo_zones": zones})
        (zone,) = sets["fulfillment_set"]["service_zones"]
        known = self.admin("/admin/shipping-profiles")["shipping_profiles"]
        profile = {"name": "default", "type": "default"}
        self._profile = known[0]["id"] if known else self.admin("/admin/shipping-profiles", profile)["shipping_profile"]["id"]
        self._there = self._shipping("standard", zone["id"], back=False)
        self._shipping("return", zone["id"], back=True)

    def _shipping(self, name: str, zone: str, *, back: bool) -> str:
        made = self.admin(
            "/admin/shipping-options",
            {
                "name": name,
                "service_zone_id": zone,
                "shipping_profile_id": self._profile,
                "provider_id": "manual_manual",
                "price_type": "flat",
                "type": {"label": name, "description": name, "code": name},
                "prices": [{"currency_code": "eur", "amount": 0 if back else 5}],
                "rules": [
                    {"attribute": "is_return", "operator": "eq", "value": str(back).lower()},
                    {"attribute": "enabled_in_store", "operator": "eq", "value": "true"},
                ],
            },
        )
        found: str = made["shipping_option"]["id"]
        return found

    def _lamp(self, title: str, price: int, channel: str) -> None:
        variant = {
            "title": "one",
            "sku": title,
            "options": {"Size": "one"},
            "manage_inventory": True,
            "prices": [{"currency_code": "eur", "amount": price}],
        }
        made = self.admin(
            "/admin/products",
            {
                "title": title,
                "status": "published",
                "shipping_profile_id": self._profile,
                "sales_channels": [{"id": channel}],
                "options": [{"title": "Size", "values": ["one"]}],
                "variants": [variant],
            },
        )["product"]
        self._variants[title] = made["variants"][0]["id"]
        found = self.admin(f"/admin/products/{made['id']}/variants/{self._variants[title]}?fields=*inventory_items.inventory")
        stock = found["variant"]["inventory_items"][0]["inventory"]["id"]
        self.admin(f"/admin/inventory-items/{stock}/location-levels", {"location_id": self._location, "stocked_quantity": 1000})

    def customer(self, name: str, *, lamps: int) -> SeededCustomer:
        """Make a customer with an order of `lamps` of each kind, delivered, and one of two desk lamps, not sent."""
        email = f"{name}@mail.example"
        account = {"email": email, "password": f"pw-{name}"}
        new = self.call("/auth/customer/emailpass/register", account)["token"]
        made = self.call("/store/customers", {"email": email, "first_name": name}, headers=self._as(new))["customer"]["id"]
        known = self._as(self.call("/auth/customer/emailpass", account)["token"])
        delivered = self._order(email, known, dict.fromkeys(LAMPS, lamps))
        payment, items = self._deliver(delivered)
        return SeededCustomer(id=made, delivered=delivered, payment=payment, items=items, open=self._order(email, known, {"Desk lamp": 2}))

    def _as(self, token: str) -> dict[str, str]:
        return {**self._store_key, "authorization": f"Bearer {token}"}

    def _order(self, email: str, headers: dict[str, str], items: Mapping[str, int]) -> str:
        home = {
            "first_name": "Ann",
            "last_name": "Lee",
            "address_1": "Elm 1",
            "city": "Berlin",
            "postal_code": "10115",
            "country_code": "de",
        }
        wanted = {
            "region_id": self._region,
            "email": email,
            "items": [{"variant_id": self._variants[title], "quantity": count} for title, count in items.items()],
            "shipping_address": home,
        }
        cart = self.call("/store/carts", wanted, headers=headers)["cart"]["id"]
        self.call(f"/store/carts/{cart}/shipping-methods", {"option_id": self._there}, headers=headers)
        due = self.call("/store/payment-collections", {"cart_id": cart}, headers=headers)["payment_collection"]["id"]
        self.call(f"/store/payment-collections/{due}/payment-sessions", {"provider_id": "pp_system_default"}, headers=headers)
        order: str = self.call(f"/store/carts/{cart}/complete", {}, headers=headers)["order"]["id"]
        return order

    def _deliver(self, order: str) -> tuple[str, Mapping[str, str]]:
        """Take the money and send the goods, as the shop's people do; return the payment and the items by name."""
        here = f"/admin/orders/{order}"
        found = self.admin(f"{here}?fields=*payment_collections.payments,*items")["order"]
        payment = found["payment_collections"][0]["payments"][0]["id"]
        self.admin(f"/admin/payments/{payment}/capture", {})
        items: Sequence[Any] = [{"id": one["id"], "quantity": one["quantity"]} for one in found["items"]]
        self.admin(f"{here}/fulfillments", {"items": items, "location_id": self._location})
        (sent,) = self.admin(f"{here}?fields=*fulfillments")["order"]["fulfillments"]
        self.admin(f"{here}/fulfillments/{sent['id']}/shipments", {"items": items, "labels": []})
        self.admin(f"{here}/fulfillments/{sent['id']}/mark-as-delivered", {})
        return payment, {one["product_title"]: one["id"] for one in found["items"]}


def seed(base: str, email: str, password: str, *, lamps: int = 30) -> Shop:
    """Fill an empty shop."""
    with httpx.Client(base_url=base, timeout=60, trust_env=False) as client:
        seeding = Seeding(client, email, password)
        seeding.furnish()
        customers = {name: seeding.customer(name, lamps=lamps) for name in ("anna", "bram")}
        return Shop(secret=seeding.secret, reads=seeding.reads, customers=customers)
