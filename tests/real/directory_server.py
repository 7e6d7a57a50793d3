"""A directory that OpenLDAP's own tools ask and change beside Remit, with what both real ones share."""

import re
import subprocess
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from notice_servers import certificate
from real.live_server import LiveServer


class DirectoryServer(LiveServer):
    """A directory with TLS, an administrator and groups that are added on the way."""

    url: str
    admin: tuple[str, str]

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.ca = certificate(home)
        self._groups = 0

    @abstractmethod
    def login(self, person: str) -> str:
        """The name that a person binds with."""

    @abstractmethod
    def group(self, name: str, owner: str) -> str:
        """The entry of a group, in LDIF."""

    def answers(self) -> bool:
        """Ask it as its administrator."""
        return not self.tool("ldapwhoami", *self.admin).returncode

    def tool(self, tool: str, name: str, password: str, *more: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Run one of OpenLDAP's tools as an account."""
        command = [tool, "-x", "-H", self.url, "-D", name, "-w", password, *more]
        return subprocess.run(command, input=given, env={"LDAPTLS_CACERT": str(self.ca)}, capture_output=True, text=True, check=False)

    def accepts(self, person: str, password: str) -> bool:
        """Try a password as its owner does."""
        return not self.tool("ldapwhoami", self.login(person), password).returncode

    def modify(self, ldif: str, who: tuple[str, str] | None = None, *, tool: str = "ldapmodify") -> str:
        """Change the directory, as its administrator or as `who`, and return the complaint."""
        done = self.tool(tool, *(who or self.admin), given=ldif)
        assert who not in {None, self.admin} or done.returncode == 0, done.stderr
        return done.stderr

    def values(
        self,
        base: str,
        attribute: str,
        who: tuple[str, str] | None = None,
        *,
        where: str = "(objectClass=*)",
        scope: str = "base",
    ) -> Sequence[str]:
        """Read values; binary ones in base64."""
        found = self.tool("ldapsearch", *(who or self.admin), "-LLL", "-o", "ldif-wrap=no", "-b", base, "-s", scope, where, attribute)
        return re.findall(rf"^{attribute}::? (.*)$", found.stdout, re.MULTILINE | re.IGNORECASE)

    def new_group(self, owner: str) -> str:
        """Add a group."""
        self._groups += 1
        name = f"group-{self._groups}"
        self.modify(self.group(name, owner) + "\n", tool="ldapadd")
        return name
