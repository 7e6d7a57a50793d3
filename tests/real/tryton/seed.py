"""A company with a chart of accounts, two customers with an invoice's posting each, and REST keys; writes ids and keys as JSON."""

import datetime as dt
import json
import sys
from decimal import Decimal

from proteus import Model, config

config.set_trytond(sys.argv[1], user="admin", config_file=sys.argv[2])

from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, get_accounts  # noqa: E402  # the connection first
from trytond.modules.company.tests.tools import create_company, get_company  # noqa: E402
from trytond.modules.currency.tests.tools import get_currency  # noqa: E402

create_company(currency=get_currency("EUR"))
company = get_company()
year = create_fiscalyear(company=company)
year.click("create_period")
create_chart(company=company)
accounts = get_accounts(company)
(journal,) = Model.get("account.journal").find([("code", "=", "REV")])
today = dt.datetime.now(dt.UTC).date()
period = next(one for one in year.periods if one.start_date <= today <= one.end_date)
seed = {
    "company": company.id,
    "journal": journal.id,
    "period": period.id,
    **{name: accounts[name].id for name in ("receivable", "revenue", "expense")},
}
for who in ("alice", "bob"):
    party = Model.get("party.party")(name=who)
    party.save()
    seed[who] = party.id
    move = Model.get("account.move")(period=period, journal=journal, date=today)
    line = move.lines.new()
    line.account, line.credit = accounts["revenue"], Decimal("84.00")
    line = move.lines.new()
    line.account, line.party, line.debit = accounts["receivable"], party, Decimal("84.00")
    move.save()
    move.click("post")
    seed[f"{who}_line"] = next(one.id for one in move.lines if one.party)


def user_of(name: str, *groups: object) -> object:
    user = Model.get("res.user")(name=name, login=name)
    user.companies.append(Model.get("company.company")(company.id))
    user.company = Model.get("company.company")(company.id)
    user.save()
    for group in groups:
        user.groups.append(group)
    user.save()
    return user


Group = Model.get("res.group")
reads = Group(name="Remit reads")
reads.save()
access = Model.get("ir.model.access")(model="account.move", perm_read=True, perm_write=False, perm_create=False, perm_delete=False)
access.group = Group(reads.id)
access.save()
(accounting,) = Group.find([("name", "=", "Accounting")])
users = {
    "read": user_of("remit-read", Group(reads.id)),
    "act": user_of("remit-act", accounting),
    "staff": Model.get("res.user").find([("login", "=", "admin")])[0],
}
for account, user in users.items():
    key = Model.get("res.user.application")(application="rest")
    key.save()
    seed[account] = key.key
    seed[f"{account}_user"] = user.id
json.dump(seed, sys.stdout)
