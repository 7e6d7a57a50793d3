from remit.sandbox.desk import Sandbox as Sandbox
from remit.sandbox.people import SandboxCustomer as SandboxCustomer
from remit.sandbox.people import SandboxMandate as SandboxMandate
from remit.sandbox.people import SandboxPerson as SandboxPerson
from remit.sandbox.replies import SandboxReply as SandboxReply
from remit.sandbox.workloads import SandboxAgent as SandboxAgent
from remit.sandbox.workloads import SandboxTask as SandboxTask
