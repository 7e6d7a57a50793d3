"""Names of a package that are loaded when they are first used (PEP 562)."""

import importlib
import sys
from collections.abc import Callable, Mapping


def load_on_use(package: str, names: Mapping[str, tuple[str, ...]]) -> Callable[[str], object]:
    """Return the `__getattr__` of a package; `names` maps modules to the names that come from them.

    The package's types stand in a stub beside it.
    """
    modules = {name: module for module, each in names.items() for name in each}

    def load(name: str) -> object:
        if name not in modules:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        found = getattr(importlib.import_module(modules[name]), name)
        setattr(sys.modules[package], name, found)
        return found

    return load
