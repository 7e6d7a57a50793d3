"""OpenLDAP's slapd from Debian's packages, with the example's schema and rights, started and killed at will."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from real.directory_server import DirectoryServer
from real.live_server import free_port

SLAPD = "/usr/sbin/slapd"
EXAMPLE = Path(__file__).parents[2] / "examples" / "directory" / "openldap"
BASE = "dc=corp,dc=example"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ADMIN = (f"cn=admin,{BASE}", "admin-pass")
READER = (f"cn=remit-read,ou=svc,{BASE}", "read-pass-1")
ACTOR = (f"cn=remit-act,ou=svc,{BASE}", "act-pass-1")


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


class SlapdServer(DirectoryServer):
    """One directory: alice, bob and carol, the groups of bob and alice, and Remit's two accounts."""

    admin = ADMIN

    def __init__(self, home: Path, kit: Path) -> None:
        super().__init__(home)
        self.url = f"ldaps://127.0.0.1:{free_port()}"
        for folder in ("db", "log"):
            (home / folder).mkdir()
        conf = (kit / "slapd.conf").read_text().replace("@HOME@", str(home)).replace("@EXAMPLE@", str(EXAMPLE))
        (home / "slapd.conf").write_text(conf)
        (home / "seed.ldif").write_text(_seed())

    def make(self) -> None:
        """Make the database and its seed."""
        command = ["/usr/sbin/slapadd", "-q", "-f", "slapd.conf", "-b", BASE, "-l", "seed.ldif"]
        done = subprocess.run(command, cwd=self.home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]

    def command(self) -> Sequence[str]:
        """The command that starts it in its folder."""
        return [SLAPD, "-f", str(self.home / "slapd.conf"), "-h", self.url, "-d", "0"]

    def login(self, person: str) -> str:
        """The name that a person binds with."""
        return f"uid={person},{PEOPLE}"

    def group(self, name: str, owner: str) -> str:
        """The entry of a group, in LDIF."""
        return _group(name, owner)

    def lock(self, person: str) -> None:
        """Lock an account by wrong passwords."""
        for _ in range(3):
            assert not self.accepts(person, "wrong")
        assert self.values(f"uid={person},{PEOPLE}", "pwdAccountLockedTime")

    def written(self, attribute: str) -> int:
        """Count the writes of an attribute by the account that acts, in the server's own log."""
        where = f"(&(objectClass=auditModify)(reqAuthzID={ACTOR[0]}))"
        return sum(line.lower().startswith(attribute.lower()) for line in self._mods(where))

    def _mods(self, where: str) -> Sequence[str]:
        """Return for each logged write the attributes of it, once."""
        done = self.tool("ldapsearch", *ADMIN, "-LLL", "-o", "ldif-wrap=no", "-b", "cn=log", where, "reqMod")
        found = []
        for entry in done.stdout.split("\n\n"):
            found += sorted({line.removeprefix("reqMod: ").split(":")[0] for line in entry.splitlines() if line.startswith("reqMod: ")})
        return found
