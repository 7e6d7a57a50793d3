"""A backoffice for Remit in one file: orders in SQLite, and one act, a refund. Put your own tables and acts in their place.

Run: python backoffice.py 8700 shop.db remit.pub.pem shop.pem     Why each part is there: docs/backoffice.md
"""

import hashlib
import json
import re
import secrets
import sqlite3
import sys
import threading
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key, load_pem_public_key

PORT, DATABASE, REMIT_PEM, SHOP_PEM = sys.argv[1:]
BASE = f"http://127.0.0.1:{PORT}"  # behind a proxy: its https address, exactly as in Remit's backoffice.url
REMIT, SHOP = load_pem_public_key(Path(REMIT_PEM).read_bytes()), load_pem_private_key(Path(SHOP_PEM).read_bytes(), None)
LOCK, LONGEST, NONCES = threading.Lock(), 262_144, {}
DB = sqlite3.connect(DATABASE, isolation_level=None, check_same_thread=False)
DB.executescript("""
pragma synchronous = full;
create table if not exists customer (id text primary key, email text);
create table if not exists orders (id text primary key, owner text, name text, paid int, refunded int, version int);
create table if not exists act (key text primary key, answer text);
insert or ignore into customer values ('anna', 'anna@mail.example'), ('bram', 'bram@mail.example');
insert or ignore into orders values ('O-1001', 'anna', 'Kettle', 4990, 0, 1), ('O-1002', 'bram', 'Lamp', 8900, 0, 1),
  ('O-1003', 'anna', 'Chair', 19900, 0, 1);
""")
NOT_FOUND = {"state": "failed", "reason": "There is no such order of this customer."}


class RefusalError(Exception):
    """A request that is not answered: its status and reason."""


# Signatures: RFC 9421, one strict form of it.


def key_id(key):
    x = urlsafe_b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode().rstrip("=")
    digest = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def digest_of(body):
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


def verify(method, path, headers, body):
    if int(headers.get("content-length", 0)) > LONGEST:
        raise RefusalError(413, "too long")
    covered = ["@method", "@target-uri", "content-digest", *(one for one in ("idempotency-key", "txn-token") if one in headers)]
    form = rf"""remit=(\({re.escape(" ".join(f'"{one}"' for one in covered))}\);created=(\d+);expires=(\d+);nonce="([\w-]{{22}})";"""
    form += rf"""keyid="{key_id(REMIT)}";alg="ed25519";tag="remit-backoffice")"""
    found = re.fullmatch(form, headers.get("signature-input", ""), re.ASCII)
    if not found or headers.get("content-digest") != digest_of(body):
        raise RefusalError(401, "not signed by Remit, or not with this body")
    created, expires, now = int(found[2]), int(found[3]), time.time()
    values = {**headers, "@method": method, "@target-uri": BASE + path, "@signature-params": found[1]}
    signed = "\n".join(f'"{one}": {values[one]}' for one in (*covered, "@signature-params")).encode()
    try:
        REMIT.verify(b64decode(headers.get("signature", "")[len("remit=:") : -1]), signed)
    except (InvalidSignature, ValueError):
        raise RefusalError(401, "not signed by Remit") from None
    if not created - 5 <= now < expires <= created + 60:
        raise RefusalError(401, "signed too long ago")
    for nonce in [one for one, until in NONCES.items() if until <= now]:
        del NONCES[nonce]
    if found[4] in NONCES:
        raise RefusalError(401, "this request came before")
    NONCES[found[4]] = expires


def signed(status, body, request_signature):
    now = int(time.time())
    params = f'("@status" "content-digest" "signature";req;key="remit");created={now};expires={now + 60};'
    params += f'nonce="{secrets.token_urlsafe(16)}";keyid="{key_id(SHOP.public_key())}";alg="ed25519";tag="remit-backoffice"'
    lines = f'"@status": {status}\n"content-digest": {digest_of(body)}\n"signature";req;key="remit": {request_signature[6:]}\n'
    value = b64encode(SHOP.sign(f'{lines}"@signature-params": {params}'.encode())).decode()
    return {"Content-Digest": digest_of(body), "Signature-Input": f"remit={params}", "Signature": f"remit=:{value}:"}


# The shop.


def euro(cents):
    return f"{cents // 100}.{cents % 100:02} EUR"


def order(order_id):
    """(owner, name, paid, refunded, version); a text key compares ids byte for byte."""
    return DB.execute("select owner, name, paid, refunded, version from orders where id = ?", (order_id,)).fetchone()


def fact(kind, order_id):
    found = order(order_id)
    return {"id": order_id, "owners": [found[0]], "name": found[1], "version": str(found[4])} if found and kind == "order" else None


def read(ask):
    found = order(ask["params"]["order_id"])
    if not found or found[0] != ask["customer"] or ask["action"] != "order.read":
        return NOT_FOUND  # the same for another customer's order and for none
    return {"state": "done", "values": {"order.paid": euro(found[2]), "order.refunded": euro(found[3])}}


def attributes(ask):
    email = DB.execute("select email from customer where id = ?", (ask["customer"],)).fetchone()
    rows = DB.execute("select id, refunded from orders where owner = ?", (ask["customer"],)).fetchall()
    other = [euro(cents) for order_id, cents in rows if order_id not in ask.get("beside", {}).get("order", [])]
    held = {"contact.email": email and email[0], "order.refunded": other}
    return {name: held[name] for name in ask["names"] if held.get(name)}


def records(ask):
    rows = DB.execute("select id, name from orders where owner = ?", (ask["customer"],))
    return [{"id": order_id, "name": name} for order_id, name in rows if ask["kind"] == "order"]


def refund(act):
    """Do the act, inside the transaction that keeps its key."""
    if any((fact(one["kind"], one["id"]) or {}).get("version") != one["version"] for one in act["versions"]):
        return {"state": "failed", "reason": "The order changed since this was decided."}
    order_id, money = act["params"]["order_id"], re.fullmatch(r"(\d{1,7})\.(\d\d) EUR", act["params"]["amount"], re.ASCII)
    found, cents = order(order_id), int(money[1] + money[2]) if money else 0
    if act["action"] != "order.refund" or not found or found[0] != act["customer"]:
        return NOT_FOUND
    if not 0 < cents <= found[2] - found[3]:
        return {"state": "failed", "reason": "More than was paid, or nothing."}
    DB.execute("update orders set refunded = refunded + ?, version = version + 1 where id = ?", (cents, order_id))
    return {"state": "done", "values": {"order.refunded": euro(found[3] + cents)}}


def once(key, make):
    """Give a key its kept answer, or make it: the act and its key become durable together."""
    DB.execute("begin immediate")
    try:
        kept = DB.execute("select answer from act where key = ?", (key,)).fetchone()
        told = kept[0] if kept else json.dumps(make())
        DB.execute("insert or ignore into act values (?, ?)", (key, told))
        DB.execute("commit")
    except BaseException:
        DB.execute("rollback")
        raise
    return json.loads(told)


def outcome(key):
    kept = DB.execute("select answer from act where key = ?", (key,)).fetchone()
    return json.loads(kept[0]) if kept else {"state": "unseen"}


# The contract.

POSTS = {
    "/v1/facts": lambda ask: {"records": [fact(one["kind"], one["id"]) for one in ask["records"]]},
    "/v1/contents": lambda ask: {"contents": [{} for _ in ask["records"]]},  # orders have no parts here
    "/v1/read": read,
    "/v1/attributes": lambda ask: {"attributes": attributes(ask)},
    "/v1/records": lambda ask: {"records": records(ask)},
}


def answer(method, path, headers, body):
    known = re.fullmatch(r"/v1/acts(?:/([^/]+?)(/fence)?)?", path)
    if method == "GET" and path == "/v1/about":
        return {"contract": "1", "name": "Example shop", "kinds": ["order"], "actions": ["order.refund"]}
    if method == "POST" and path in POSTS:
        return POSTS[path](json.loads(body))
    if method == "GET" and known and known[1] and not known[2]:
        return outcome(unquote(known[1]))
    if method == "POST" and known and bool(known[1]) == bool(known[2]):
        act = json.loads(body)
        if not headers.get("txn-token") or not act["key"] == headers.get("idempotency-key") == unquote(known[1] or act["key"]):
            raise RefusalError(400, "the key of the act is not that of the request")
        return once(act["key"], (lambda: {"state": "fenced"}) if known[2] else (lambda: refund(act)))
    raise RefusalError(404, "no such address")


class Handler(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1

    def do_GET(self):
        headers = {name.lower(): ", ".join(self.headers.get_all(name)) for name in self.headers}
        body = self.rfile.read(min(int(headers.get("content-length", 0)), LONGEST))
        status, kind = 200, "application/json"
        try:
            with LOCK:
                verify(self.command, self.path, headers, body)
                told = answer(self.command, self.path, headers, body)
        except (RefusalError, LookupError, TypeError, ValueError, sqlite3.Error) as problem:
            status, reason = 400, "not a body of the contract"
            if isinstance(problem, RefusalError):
                status, reason = problem.args
            elif isinstance(problem, sqlite3.OperationalError):
                status, reason = 503, "the database does not answer"
            kind, told = "application/problem+json", {"status": status, "title": reason}
        raw = json.dumps(told).encode()
        sent = {"Content-Type": kind, "Content-Length": len(raw), **signed(status, raw, headers.get("signature", ""))}
        self.send_response(status)
        for name, value in sent.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(raw)

    do_POST = do_GET

    def log_message(self, *_):
        """Write nothing of a customer."""


if __name__ == "__main__":
    print(f"listening at {BASE}", flush=True)
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler).serve_forever()
