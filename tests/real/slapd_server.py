"""OpenLDAP's slapd from Debian's packages, with the example's schema and rights, started and killed at will."""

import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from notice_servers import certificate

SLAPD = "/usr/sbin/slapd"
EXAMPLE = Path(__file__).parents[2] / "examples" / "directory" / "openldap"
BASE = "dc=corp,dc=example"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ADMIN = (f"cn=admin,{BASE}", "admin-pass")
READER = (f"cn=remit-read,ou=svc,{BASE}", "read-pass-1")
ACTOR = (f"cn=remit-act,ou=svc,{BASE}", "act-pass-1")
_START_S = 30


def _seed() -> str:
    entries = [f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: corp\no: Corp"]
    entries += [
        f"dn: ou={one},{BASE}\nobjectClass: organizationalUnit\nou: {one}" for one in ("people", "groups", "acts", "svc", "policies")
    ]
    entries.append(
        f"dn: cn=default,ou=policies,{BASE}\nobjectClass: organizationalRole\nobjectClass: pwdPolicy\ncn: default\n"
        "pwdAttribute: userPassword\npwdMaxFailure: 3\npwdLockout: TRUE\npwdLockoutDuration: 900\npwdMustChange: TRUE\n"
        "pwdAllowUserChange: TRUE\npwdMinLength: 8\npwdCheckQuality: 2"
    )
    for name, password in (READER, ACTOR):
        common = name.partition(",")[0].removeprefix("cn=")
        entries.append(
            f"dn: {name}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: {common}\nuserPassword: {password}"
        )
    for number, one in enumerate(("alice", "bob", "carol"), 1001):
        entries.append(
            f"dn: uid={one},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {one}\ncn: {one.title()} Lee\nsn: Lee\n"
            f"mail: {one}@corp.example\nemployeeNumber: {number}\nuserPassword: {one}-pass-1"
        )
    entries += [_group(name, owner) for name, owner in (("payroll-readers", "bob"), ("newsletter", "alice"))]
    return "\n\n".join(entries) + "\n"


def _group(name: str, owner: str) -> str:
    return (
        f"dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\ndescription: {name.title()}\n"
        f"owner: uid={owner},{PEOPLE}\nmember: uid=carol,{PEOPLE}"
    )


class SlapdServer:
    """One directory: alice, bob and carol, the groups of bob and alice, and Remit's two accounts."""

    def __init__(self, home: Path, kit: Path) -> None:
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"ldaps://127.0.0.1:{self.port}"
        self.ca = certificate(home)
        self._process: subprocess.Popen[bytes] | None = None
        for folder in ("db", "log"):
            (home / folder).mkdir()
        conf = (kit / "slapd.conf").read_text().replace("@HOME@", str(home)).replace("@EXAMPLE@", str(EXAMPLE))
        (home / "slapd.conf").write_text(conf)
        (home / "seed.ldif").write_text(_seed())
        self._groups = 0

    def make(self) -> None:
        """Make the database and its seed."""
        command = ["/usr/sbin/slapadd", "-q", "-f", "slapd.conf", "-b", BASE, "-l", "seed.ldif"]
        done = subprocess.run(command, cwd=self.home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.home / "server.log").open("ab") as log:
            command = [SLAPD, "-f", str(self.home / "slapd.conf"), "-h", self.url, "-d", "0"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            if not self._tool("ldapwhoami", *ADMIN).returncode:
                return
            time.sleep(0.02)
        raise AssertionError((self.home / "server.log").read_text()[-2000:])

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def crash(self) -> None:
        """Kill it and start it again."""
        self.stop()
        self.start()

    def _tool(self, tool: str, name: str, password: str, *more: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        command = [tool, "-x", "-H", self.url, "-D", name, "-w", password, *more]
        return subprocess.run(command, input=given, env={"LDAPTLS_CACERT": str(self.ca)}, capture_output=True, text=True, check=False)

    def accepts(self, person: str, password: str) -> bool:
        """Try a password as its owner does."""
        return not self._tool("ldapwhoami", f"uid={person},{PEOPLE}", password).returncode

    def modify(self, ldif: str, who: tuple[str, str] = ADMIN, *, tool: str = "ldapmodify") -> str:
        """Change the directory with OpenLDAP's own tools, and return their complaint."""
        done = self._tool(tool, *who, given=ldif)
        assert who != ADMIN or done.returncode == 0, done.stderr
        return done.stderr

    def values(
        self, base: str, attribute: str, who: tuple[str, str] = ADMIN, *, where: str = "(objectClass=*)", scope: str = "base"
    ) -> Sequence[str]:
        """Read values with OpenLDAP's own tools."""
        done = self._tool("ldapsearch", *who, "-LLL", "-o", "ldif-wrap=no", "-b", base, "-s", scope, where, attribute)
        start = f"{attribute.lower()}:"
        return [line.split(": ", 1)[1] for line in done.stdout.splitlines() if line.lower().startswith(start)]

    def lock(self, person: str) -> None:
        """Lock an account by wrong passwords."""
        for _ in range(3):
            assert not self.accepts(person, "wrong")
        assert self.values(f"uid={person},{PEOPLE}", "pwdAccountLockedTime")

    def new_group(self, owner: str) -> str:
        """Add a group."""
        self._groups += 1
        name = f"group-{self._groups}"
        self.modify(_group(name, owner) + "\n", tool="ldapadd")
        return name

    def written(self, attribute: str) -> int:
        """Count the writes of an attribute by the account that acts, in the server's own log."""
        where = f"(&(objectClass=auditModify)(reqAuthzID={ACTOR[0]}))"
        return sum(line.lower().startswith(attribute.lower()) for line in self._mods(where))

    def _mods(self, where: str) -> Sequence[str]:
        """Return for each logged write the attributes of it, once."""
        done = self._tool("ldapsearch", *ADMIN, "-LLL", "-o", "ldif-wrap=no", "-b", "cn=log", where, "reqMod")
        found = []
        for entry in done.stdout.split("\n\n"):
            found += sorted({line.removeprefix("reqMod: ").split(":")[0] for line in entry.splitlines() if line.startswith("reqMod: ")})
        return found
