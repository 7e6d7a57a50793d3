"""One event with seats and bags, a team that reads, a team that acts, and one for the tests; writes their tokens as JSON."""

import json
import os
import sys
from datetime import timedelta

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "pretix.settings"
django.setup()

from django.utils.timezone import now  # noqa: E402  # Django first
from django_scopes import scopes_disabled  # noqa: E402
from pretix.base.models import Event, Item, Organizer, Quota, Team  # noqa: E402

READS = {"event.orders:read": True}, {"organizer.customers:read": True, "organizer.giftcards:read": True}
ACTS = {**READS[0], "event.orders:write": True}, {**READS[1], "organizer.giftcards:write": True}

with scopes_disabled():
    air = Organizer.objects.create(name="Air", slug="air")
    air.settings.customer_accounts = True
    event = Event.objects.create(
        organizer=air,
        name="BER-LIS",
        slug="berlis",
        currency="EUR",
        date_from=now() + timedelta(days=40),
        live=True,
        plugins="pretix.plugins.manualpayment",
    )
    event.settings.payment_manual__enabled = True
    event.settings.payment_giftcard__enabled = True
    seat = Item.objects.create(event=event, name="Economy", default_price="120.00")
    Quota.objects.create(event=event, name="seats", size=10000).items.add(seat)
    tokens = {}
    for name, (in_events, in_organizer) in {"read": READS, "act": ACTS}.items():
        team = Team.objects.create(
            organizer=air,
            name=name,
            all_events=True,
            limit_event_permissions=in_events,
            limit_organizer_permissions=in_organizer,
        )
        tokens[name] = team.tokens.create(name=name).token
    team = Team.objects.create(organizer=air, name="staff", all_events=True, all_event_permissions=True, all_organizer_permissions=True)
    tokens["staff"] = team.tokens.create(name="staff").token
    json.dump({**tokens, "item": seat.pk}, sys.stdout)
