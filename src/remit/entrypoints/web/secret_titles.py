"""Titles of removed parts of a file, by the kind of secret that was found."""

from collections.abc import Mapping
from typing import Final

from remit.domain.i18n import Translator, marked
from remit.domain.text.normalize import make_visible

SECRETS: Final[Mapping[str, str]] = {
    "address": marked("postal address"),
    "assertion": marked("credential"),
    "attached_file": marked("attached file"),
    "attribute": marked("personal detail"),
    "bank_account": marked("bank account number"),
    "basic": marked("password in a request"),
    "birth_date": marked("date of birth"),
    "card_code": marked("card security code"),
    "card_number": marked("card number"),
    "code": marked("access code"),
    "cookie": marked("cookie"),
    "driving_licence": marked("driving licence number"),
    "email": marked("e-mail address"),
    "header": marked("access header"),
    "iban": marked("IBAN"),
    "invitation": marked("invitation link"),
    "ip_address": marked("network address"),
    "link_token": marked("access link"),
    "name": marked("file name"),
    "national_id": marked("national ID number"),
    "one_time_code": marked("one-time code"),
    "otp_seed": marked("key of an authenticator app"),
    "parameter": marked("web address parameter"),
    "passport": marked("passport number"),
    "password": marked("password"),
    "phone": marked("phone number"),
    "pin": marked("PIN"),
    "prefixed_token": marked("access token"),
    "private_key": marked("private key"),
    "recovery_code": marked("recovery code"),
    "refresh_token": marked("access token"),
    "request": marked("sign-in request"),
    "security_answer": marked("answer to a security question"),
    "seed_phrase": marked("recovery phrase"),
    "session": marked("session"),
    "token": marked("access token"),
    "unreadable_body": marked("unreadable content"),
    "url_password": marked("password in a web address"),
}
"""What was removed, in words."""


def secret_title(kind: str, say: Translator) -> str:
    """Return the title of a kind of secret; of an unknown one its name in readable form."""
    return say(SECRETS[kind]) if kind in SECRETS else make_visible(kind).replace("_", " ")
