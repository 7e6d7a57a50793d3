"""A desk to try, to test policies with, and to fight in. Everything goes through the real doors.

`Sandbox` runs one in this process (real ASGI app, real store, software passkeys) or drives a running server.
"""

from remit.sandbox.desk import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxMandate, SandboxPerson
from remit.sandbox.replies import SandboxReply
from remit.sandbox.workloads import SandboxAgent, SandboxTask

__all__ = ["Sandbox", "SandboxAgent", "SandboxCustomer", "SandboxMandate", "SandboxPerson", "SandboxReply", "SandboxTask"]
