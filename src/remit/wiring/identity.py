"""Assembly of the sources of agents' identities."""

import importlib

from remit.adapters.identity.key_sources import WorkloadBundles
from remit.settings import InvalidSetting, Settings


def workload_bundles(settings: Settings) -> WorkloadBundles | None:
    """Return the bundles of the desk's own Workload API; None without one. Its plug needs an extra.

    Raises:
        InvalidSetting: `settings.invalid` without the extra.
    """
    if not settings.workload_api:
        return None
    try:
        plug = importlib.import_module("remit.adapters.identity.workload_api")
    except ImportError as missing:
        cure = "Install it (`pip install remit[spiffe]`), or take spiffe.workload_api out."
        raise InvalidSetting("spiffe.workload_api", f"needs the extra `spiffe`: {missing.msg}", cure=cure) from None
    bundles: WorkloadBundles = plug.SpiffeWorkloadBundles(settings.workload_api)
    return bundles
