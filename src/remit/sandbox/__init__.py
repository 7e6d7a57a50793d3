"""A desk to try, to test policies with, and to fight in. Everything goes through the real HTTP API.

`Sandbox` runs one in this process (real ASGI app, real store, software passkeys) or drives a running server.
"""

import importlib

_WHERE = {
    "Sandbox": "desk",
    "SandboxAgent": "workloads",
    "SandboxCustomer": "people",
    "SandboxMandate": "people",
    "SandboxPerson": "people",
    "SandboxReply": "replies",
    "SandboxTask": "workloads",
}

__all__ = [
    "Sandbox",
    "SandboxAgent",
    "SandboxCustomer",
    "SandboxMandate",
    "SandboxPerson",
    "SandboxReply",
    "SandboxTask",
]


def __getattr__(name: str) -> object:
    """Load a name when it is first used; the types stand in `__init__.pyi`.

    Python imports this package before `remit.sandbox.agents`. An agent is an outsider with only `remit.client`: loading
    the whole desk would slow its process, and put code into it that no foreign agent holds.
    """
    if name not in _WHERE:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"remit.sandbox.{_WHERE[name]}"), name)
