"""Samba's Active Directory from Debian's packages, with the example's rights, started and killed at will."""

import base64
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from real.directory_server import DirectoryServer

SAMBA, TOOL = "/usr/sbin/samba", "/usr/bin/samba-tool"
RIGHTS = Path(__file__).parents[2] / "examples" / "directory" / "active-directory" / "rights.sddl"
BASE = "DC=ad,DC=corp,DC=example"
PEOPLE, GROUPS, ACCOUNTS = f"OU=People,{BASE}", f"OU=Groups,{BASE}", f"OU=Svc,{BASE}"
ADMIN = ("Administrator@ad.corp.example", "Admin-pass-1")
READER = ("remit-read@ad.corp.example", "Read-pass-11")
ACTOR = ("remit-act@ad.corp.example", "Act-pass-11")
_ATTRIBUTES: Mapping[str, int] = {"lockoutTime": 0x00090296, "unicodePwd": 0x0009005A}
_CONF = """[global]
  workgroup = CORP
  realm = AD.CORP.EXAMPLE
  netbios name = DC1
  server role = active directory domain controller
  ad dc functional level = 2016
  server services = ldap
  interfaces = lo
  bind interfaces only = yes
  log file = {home}/log.%m
  tls enabled = yes
  tls keyfile = {home}/localhost.pem
  tls certfile = {home}/localhost.pem
  tls cafile = {home}/localhost.pem
  private dir = {home}/private
  state directory = {home}/state
  cache directory = {home}/cache
  lock directory = {home}
  binddns dir = {home}/bind-dns
  pid directory = {home}/run
  ncalrpc dir = {home}/nc
  ntp signd socket directory = {home}/ntp
  winbindd socket directory = {home}/wb
"""


def _password(text: str) -> str:
    return base64.b64encode(f'"{text}"'.encode("utf-16-le")).decode()


def _person(name: str, password: str, place: str) -> str:
    return (
        f"dn: CN={name},{place}\nobjectClass: user\nsAMAccountName: {name}\nuserPrincipalName: {name}@ad.corp.example\n"
        f"displayName: {name.title()} Lee\nmail: {name}@corp.example\nemployeeNumber: 1001\nuserAccountControl: 512\n"
        f"unicodePwd:: {_password(password)}"
    )


def _group(name: str, owner: str) -> str:
    return (
        f"dn: CN={name},{GROUPS}\nobjectClass: group\nsAMAccountName: {name}\ndescription: {name.title()}\n"
        f"managedBy: CN={owner},{PEOPLE}\nmember: CN=carol,{PEOPLE}"
    )


def _entries() -> str:
    entries = [f"dn: {place}\nobjectClass: organizationalUnit" for place in (PEOPLE, GROUPS, ACCOUNTS)]
    entries += [_person(name.partition("@")[0], password, ACCOUNTS) for name, password in (READER, ACTOR)]
    entries += [_person(one, f"Start-pass-{one}", PEOPLE) for one in ("alice", "bob", "carol")]
    return "\n\n".join([*entries, _group("payroll-readers", "bob")]) + "\n"


class SambaServer(DirectoryServer):
    """One domain controller: alice, bob and carol, a group of bob, and Remit's two accounts. Its ports are fixed."""

    url = "ldaps://127.0.0.1:636"
    admin = ADMIN

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.ca.chmod(0o600)

    def make(self) -> None:
        """Make the domain."""
        self._samba_tool(
            "domain", "provision", "--realm=AD.CORP.EXAMPLE", "--domain=CORP", "--server-role=dc", "--dns-backend=NONE",
            f"--adminpass={ADMIN[1]}", f"--targetdir={self.home}", "--option=interfaces=lo", "--option=bind interfaces only=yes",
            "--option=ad dc functional level=2016", "--function-level=2016", "--host-name=dc1", "--host-ip=127.0.0.1",
        )  # fmt: skip
        (self.home / "smb.conf").write_text(_CONF.format(home=self.home))
        (self.home / "run").mkdir()
        self._samba_tool("domain", "passwordsettings", "set", "--account-lockout-threshold=3", *self._local())

    def command(self) -> Sequence[str]:
        """The command that starts it in its folder."""
        return [SAMBA, "-F", "-s", f"{self.home}/smb.conf", "--no-process-group", "--debug-stdout", "-d1"]

    def login(self, person: str) -> str:
        """The name that a person binds with."""
        return f"{person}@ad.corp.example"

    def group(self, name: str, owner: str) -> str:
        """The entry of a group, in LDIF."""
        return _group(name, owner)

    def open(self) -> None:
        """Make it, start it, and fill it."""
        super().open()
        self._seed()

    def _seed(self) -> None:
        """Add people, groups and accounts, with the rights of the example."""
        self.modify(_entries(), tool="ldapadd")
        (raw,) = self.values(f"CN=remit-act,{ACCOUNTS}", "objectSid")
        sid = _sid(base64.b64decode(raw))
        for line in RIGHTS.read_text().splitlines():
            if not line.startswith("#"):
                place, _, rights = line.partition(" ")
                self._samba_tool("dsacl", "set", f"--objectdn={place},{BASE}", f"--sddl={rights.replace('@ACT@', sid)}", *self._local())

    def _local(self) -> Sequence[str]:
        return ("-H", f"{self.home}/private/sam.ldb", "-s", f"{self.home}/smb.conf")

    def _samba_tool(self, *words: str) -> None:
        done = subprocess.run([TOOL, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    def lock(self, person: str) -> None:
        """Lock an account by wrong passwords."""
        for _ in range(3):
            assert not self.accepts(person, "wrong")
        assert self.values(f"CN={person},{PEOPLE}", "lockoutTime") != ["0"]

    def written(self, person: str, attribute: str) -> int:
        """Count the writes of an attribute, by the version that the directory keeps of each attribute for replication."""
        (raw,) = self.values(f"CN={person},{PEOPLE}", "replPropertyMetaData")
        data = base64.b64decode(raw)
        (count,) = struct.unpack_from("<I", data, 8)
        for number in range(count):
            attribute_id, version = struct.unpack_from("<II", data, 16 + 48 * number)
            if attribute_id == _ATTRIBUTES[attribute]:
                return int(version)
        return 0


def _sid(raw: bytes) -> str:
    subs = struct.unpack_from(f"<{raw[1]}I", raw, 8)
    return f"S-{raw[0]}-{int.from_bytes(raw[2:8], 'big')}-{'-'.join(map(str, subs))}"
