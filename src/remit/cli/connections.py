"""The connections of a new desk: helpdesk, backoffice, store and login, by options of `remit init` or asked for."""

import argparse
import getpass
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from remit.cli.output import AdvisedError, CommandOutput
from remit.domain.errors import Code, Refused

_OTHERS: Final = 0o077
_PRODUCTS: Final = {
    "rt": "Request Tracker 5",
    "roundup": "roundup",
    "intercom": "Intercom",
    "zendesk": "Zendesk",
    "freshdesk": "Freshdesk",
    "jira": "Jira Service Management",
}
_HELPDESK: Final = {
    "helpdesk_url": "Address of its API, such as https://rt.example/REST/2.0 or https://api.intercom.io",
    "helpdesk_account": "Remit's own user there: in RT and roundup its name, elsewhere its id",
}
_QUEUE: Final = {"helpdesk_queue": "Queue in which cases are opened"}
_LOGIN: Final[Mapping[str, str]] = {
    "login": "Address the OpenID provider calls itself by, such as https://login.example",
    "login_client": "Client id of this desk there",
    "login_claim": "Claim with a customer's id at the backoffice",
}
_DIRECTORY: Final[Mapping[str, str]] = {
    "backoffice_url": "Address of one of its servers, such as ldaps://dc1.corp.example",
    "directory_rules": "File with its rules, such as examples/directory/openldap/directory.toml",
    "read_account": "Name of the account that only reads",
    "act_account": "Name of the account that does what the rules say",
}
_PARTS: Final = ("helpdesk", "backoffice", "store", "login")


@dataclass(slots=True)
class Connections:
    """Parts of a new `remit.toml`, and files to write beside it.

    `desk` are lines of `[desk]`, `tables` further tables; `secrets` are files for the service's account alone.
    """

    desk: str = ""
    tables: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)
    far: bool = False
    """Whether the records are a company's own: then none are invented."""
    signed: bool = False
    """Whether the backoffice verifies Remit's requests by its key."""

    def write(self, folder: Path, private: Path) -> None:
        """Write the files into the desk's folder, the secrets below its private one."""
        for name, raw in self.files.items():
            (folder / name).write_bytes(raw)
        for name, raw in self.secrets.items():
            path = private / name
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(raw)


def add_options(init: argparse.ArgumentParser) -> None:
    """Add the options of the connections."""
    desk = init.add_argument_group(
        "connections", "On a terminal, Remit asks for what is missing. A script has to name everything."
    )
    desk.add_argument(
        "--store",
        metavar="URL",
        help="The store for several nodes: postgresql://USER@HOST/DATABASE; needs --keys (default: a file in DIR)",
    )
    desk.add_argument("--keys", metavar="URL", help="A second database, for content keys only; needs --store")
    products = ", ".join(f"{name}: {title}" for name, title in _PRODUCTS.items())
    desk.add_argument("--helpdesk", choices=("builtin", *_PRODUCTS), help=f"{products} (default: builtin)")
    desk.add_argument("--helpdesk-url", metavar="URL", help="The address of your helpdesk's API")
    desk.add_argument("--helpdesk-account", metavar="NAME", help="Remit's user at your helpdesk")
    desk.add_argument("--helpdesk-queue", metavar="NAME", help="The queue to open cases in (not for roundup)")
    desk.add_argument(
        "--helpdesk-token-file", metavar="FILE", help="A file (mode 600) with the token or password of your helpdesk"
    )
    desk.add_argument("--helpdesk-ca-file", metavar="FILE", help="The CA certificate of your helpdesk, in PEM")
    desk.add_argument(
        "--backoffice",
        choices=("builtin", "http", "directory"),
        help="http: your own service; directory: OpenLDAP or Active Directory (default: builtin)",
    )
    desk.add_argument("--backoffice-url", metavar="URL", help="The address of your backoffice or directory")
    desk.add_argument(
        "--backoffice-ca-file", metavar="FILE", help="The CA certificate of your backoffice or directory, in PEM"
    )
    desk.add_argument("--directory-rules", metavar="FILE", help="The directory.toml of your directory; copied in")
    for account in ("read", "act"):
        desk.add_argument(f"--{account}-account", metavar="NAME", help=f"The directory account that {account}s")
        desk.add_argument(
            f"--{account}-password-file", metavar="FILE", help="A file (mode 600) with the password of that account"
        )
    desk.add_argument(
        "--answer-key",
        action="append",
        default=[],
        metavar="FILE",
        help="The public Ed25519 key of your backoffice in PEM; copied in; repeatable (default: `remit desk serve` answers)",
    )
    desk.add_argument("--login", metavar="URL", help="The issuer of your OpenID provider (default: passkeys only)")
    desk.add_argument("--login-client", metavar="ID", help="Your client id at the provider")
    desk.add_argument("--login-claim", metavar="NAME", help="The claim with the customer's id")
    desk.add_argument("--login-secret-file", metavar="FILE", help="A file (mode 600) with the client secret")


def connections_of(args: argparse.Namespace, out: CommandOutput) -> Connections:
    """Return the connections named on the command line; on a terminal, ask for what is missing.

    Raises:
        AdvisedError: `settings.invalid` when something is missing, left over, or a secret is open to other accounts.
    """
    asking = not out.as_json and sys.stdin.isatty() and sys.stdout.isatty()
    if asking and not any(value for name, value in vars(args).items() if name.startswith(_PARTS)):
        _choose(args)
    made = Connections()
    _helpdesk(args, made, asking=asking)
    _backoffice(args, made, asking=asking)
    _login(args, made, asking=asking)
    return made


def _choose(args: argparse.Namespace) -> None:
    """Ask which parts are not the built-in ones; one Enter takes the built-in ones."""
    if not _yes("Connect a helpdesk, backoffice, database or login that you already have? [y/N] "):
        return
    named = (name for name, text in _PRODUCTS.items() if _yes(f"{text} as the helpdesk? [y/N] "))
    args.helpdesk = next(named, "builtin")
    args.backoffice = "http" if _yes("A backoffice of your own, over HTTP? [y/N] ") else "builtin"
    if args.backoffice == "builtin" and _yes("A directory (OpenLDAP, Active Directory) as the backoffice? [y/N] "):
        args.backoffice = "directory"
    if _yes("PostgreSQL as the store? [y/N] "):
        args.store = input("Database for records and transcript (postgresql://USER@HOST/DATABASE, no password): ")
        args.keys = input("A second database, for content keys only: ")
    if _yes("An OpenID provider as the login? [y/N] "):
        args.login = input(f"{_LOGIN['login']}: ")


def _yes(question: str) -> bool:
    return input(question).strip().lower() in {"y", "yes"}


def _helpdesk(args: argparse.Namespace, made: Connections, *, asking: bool) -> None:
    names = ("helpdesk_token_file", "helpdesk_ca_file", *_HELPDESK)
    used, queued = args.helpdesk in _PRODUCTS, args.helpdesk in _PRODUCTS.keys() - {"roundup"}
    _verify_used(args, "helpdesk", names, used=used, means=f"--helpdesk {' or '.join(_PRODUCTS)}")
    _verify_used(
        args,
        "helpdesk",
        tuple(_QUEUE),
        used=queued,
        means=f"--helpdesk {' or '.join(name for name in _PRODUCTS if name != 'roundup')}",
    )
    if not used:
        return
    _complete(args, _HELPDESK | _QUEUE if queued else _HELPDESK, asking=asking)
    token = _secret(args, "helpdesk_token_file", "helpdesk-token", "Token of that user", made, asking=asking)
    made.desk += f'helpdesk = "{args.helpdesk}"\n'
    made.tables += _table(
        "helpdesk",
        url=args.helpdesk_url,
        account=args.helpdesk_account,
        token_file=token,
        **({"queue": args.helpdesk_queue} if queued else {}),
        **_authority(args.helpdesk_ca_file),
    )


def _backoffice(args: argparse.Namespace, made: Connections, *, asking: bool) -> None:
    kind = args.backoffice if args.backoffice in {"http", "directory"} else ""
    accounts = ("directory_rules", "read_account", "read_password_file", "act_account", "act_password_file")
    _verify_used(
        args, "backoffice", ("backoffice_url", "backoffice_ca_file"), used=bool(kind), means="--backoffice http"
    )
    _verify_used(args, "backoffice", ("answer_key",), used=kind == "http", means="--backoffice http")
    _verify_used(args, "backoffice", accounts, used=kind == "directory", means="--backoffice directory")
    if kind == "http":
        _http_backoffice(args, made, asking=asking)
    elif kind == "directory":
        _directory(args, made, asking=asking)


def _directory(args: argparse.Namespace, made: Connections, *, asking: bool) -> None:
    _complete(args, _DIRECTORY, asking=asking)
    rules = Path(args.directory_rules)
    if not rules.is_file():
        detail = f"--directory-rules names {rules}, which is not there"
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, detail), "Name a file that is there.")
    made.files["directory.toml"] = rules.read_bytes()
    made.desk += 'backoffice = "directory"\n'
    made.tables += _table(
        "backoffice",
        url=args.backoffice_url,
        directory="directory.toml",
        read_account=args.read_account,
        read_password_file=_secret(
            args, "read_password_file", "read-password", "Password of the account that reads", made, asking=asking
        ),
        act_account=args.act_account,
        act_password_file=_secret(
            args, "act_password_file", "act-password", "Password of the account that acts", made, asking=asking
        ),
        **_authority(args.backoffice_ca_file),
    )
    made.far = True


def _http_backoffice(args: argparse.Namespace, made: Connections, *, asking: bool) -> None:
    _complete(args, {"backoffice_url": "Address of your backoffice, such as https://shop.example/remit"}, asking=asking)
    if asking and not args.answer_key:
        file = input("File with its public Ed25519 key (Enter: it is `remit desk serve`): ").strip()
        args.answer_key = [file] if file else []
    for number, name in enumerate(args.answer_key, start=1):
        made.files[f"answer-key-{number}.pem"] = _public(Path(name))
    keys = {"answer_keys": [*made.files]} if made.files else {}
    made.desk += 'backoffice = "http"\n'
    made.tables += _table("backoffice", url=args.backoffice_url, **keys, **_authority(args.backoffice_ca_file))
    made.far = made.signed = bool(made.files)


def _login(args: argparse.Namespace, made: Connections, *, asking: bool) -> None:
    used = bool(args.login)
    _verify_used(args, "login", ("login_client", "login_claim", "login_secret_file"), used=used, means="--login URL")
    if not used:
        return
    _complete(args, _LOGIN, asking=asking)
    secret = _secret(args, "login_secret_file", "login-secret", "Client secret of this desk there", made, asking=asking)
    made.tables += _table(
        "people.oidc",
        issuer=args.login,
        name=urlsplit(args.login).hostname or args.login,
        client_id=args.login_client,
        secret_file=secret,
        customers="known",
        customer_claim=args.login_claim,
    )


def _authority(file: str | None) -> Mapping[str, str]:
    """Return the setting of an authority of certificates, if one is named."""
    return {"ca_file": str(Path(file).absolute())} if file else {}


def _verify_used(args: argparse.Namespace, part: str, names: tuple[str, ...], *, used: bool, means: str) -> None:
    left_over = [] if used else [name for name in names if getattr(args, name)]
    if left_over:
        detail = f"{_option(left_over[0])} is for {means}"
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, detail), f"Add {means}, or leave the options of the {part} out."
        )


def _complete(args: argparse.Namespace, texts: Mapping[str, str], *, asking: bool) -> None:
    """Ask for each option that is missing, or refuse."""
    for name, text in texts.items():
        if not getattr(args, name) and asking:
            setattr(args, name, input(f"{text}: ").strip())
        if not getattr(args, name):
            raise _missing(name, text)


def _secret(args: argparse.Namespace, option: str, file: str, text: str, made: Connections, *, asking: bool) -> str:
    """Return the file of a secret: the named one, or one to be written from what is typed, which is not echoed.

    ⚔ A secret is no option: every account of the machine reads command lines.
    """
    named = getattr(args, option)
    if named:
        return str(_private(Path(named), _option(option)))
    typed = getpass.getpass(f"{text} (not shown): ") if asking else ""
    if not typed:
        raise _missing(option, f"a file with the {text[0].lower()}{text[1:]}")
    made.secrets[file] = f"{typed}\n".encode()
    return f"data/{file}"


def _private(path: Path, option: str) -> Path:
    """Verify that a file with a secret is open to its owner alone."""
    if not path.is_file():
        cure = "Name a file that is there."
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, f"{option} names {path}, which is not there"), cure)
    if path.stat().st_mode & _OTHERS:
        cure = f"Run chmod 600 {path}; if others could read it, make a new secret first."
        detail = f"{option}: {path} is open to other accounts"
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, detail), cure)
    return path.absolute()


def _public(path: Path) -> bytes:
    """Read a public key that is copied into the desk's folder. ⚔ A private one is not copied about."""
    try:
        raw = path.read_bytes()
    except OSError:
        cure = "Name a file that is there: openssl pkey -in shop.pem -pubout -out shop.pub.pem"
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, f"--answer-key names {path}, which cannot be read"), cure
        ) from None
    if b"PRIVATE KEY" in raw:
        cure = "Name the public half: openssl pkey -in shop.pem -pubout -out shop.pub.pem"
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, f"--answer-key: {path} is a private key"), cure)
    return raw


def _missing(name: str, text: str) -> AdvisedError:
    return AdvisedError(Refused(Code.SETTINGS_INVALID, f"{_option(name)} is missing"), f"Name it: {text}.")


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _table(name: str, /, **keys: object) -> str:
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()]
    return "\n".join(("", f"[{name}]", *lines, ""))
