"""Sets about things that this version does not offer: counted, with the reason in the set's file, and shown to be absent."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from conformance.harness import vector_set
from conformance.live import Live

pytestmark = pytest.mark.xdist_group("live")


def numbered(name: str) -> Callable[[Any], Iterable[str]]:
    return lambda read: [
        f"{number} {one.get('section', '') if isinstance(one, Mapping) else one}".strip() for number, one in enumerate(read[name])
    ]


def of_each_file(_read: Any) -> Iterable[str]:
    return ()


ABSENT: Mapping[str, tuple[Callable[[Any], Iterable[str]], tuple[str, ...]]] = {
    "ap2": (of_each_file, ("checkout_mandate", "payment_mandate")),
    "cloudevents": (of_each_file, ("cloudevents", "specversion")),
    "identity-chaining": (numbered("examples"), ("identity_chaining_requested_token_types_supported",)),
    "mission-consent": (numbered("examples"), ("mission_",)),
    "mission-evidence": (numbered("examples"), ("mission_",)),
    "mission-issuance": (numbered("examples"), ("mission_",)),
    "mission-manifest": (lambda read: [one["id"] for one in read["requirements"]], ("mission_",)),
    "ocsf": (of_each_file, ("ocsf",)),
    "oscal": (of_each_file, ("oscal",)),
    "statuslist": (
        lambda read: [f"{part} {number}" for part in ("vectors", "small") for number, _ in enumerate(read[part])],
        ("status_list",),
    ),
    "wimse": (numbered("files"), ("workload-identity-token", "Workload-Proof-Token")),
}
"""Set, its checks, and what would stand in the metadata or the description of the doors if there were such a thing."""


@pytest.mark.parametrize("name", ABSENT)
def test_what_is_not_offered_is_not_said_to_be(live: Live, name: str, request: pytest.FixtureRequest) -> None:
    checks, signs = ABSENT[name]
    one = vector_set(name)
    ids = [*checks(one.read())] or [*one.files]
    served = "".join(
        live.http.get(path).text
        for path in ("/openapi.json", "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource")
    )
    assert [sign for sign in signs if sign.lower() in served.lower()] == []
    one.judge(request, dict.fromkeys(ids))
