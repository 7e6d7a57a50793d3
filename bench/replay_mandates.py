"""A set's delegation as a `remit_mandate`."""

from collections.abc import Iterable, Mapping
from typing import Any

from replay_desk import OBJECTIVE, ReplaySet

SUMMARY = "help with what is mine"
"""The source has none: its prose tells a model which person to play, and no agent would show that to its customer."""
_NOTHING = ("", [], {}, None)


def mandate(found: ReplaySet, delegation: Mapping[str, Any]) -> dict[str, Any]:
    """The delegation in Remit's own form: grants become powers in their order, own reads one more. What grants no call is none."""
    powers: list[dict[str, Any]] = [{"power": "represent"}]
    if delegation["reads"] == "own":
        powers.append(
            {
                "power": "receive",
                "actions": [found.action(tool["name"]) for tool in found.tools if found.reads(tool["name"])],
            }
        )
    granted = [grant for grant in delegation["grants"] if grant["tool"] in found.by_name and grant["max_calls"] != 0]
    powers.extend(_together(_power(found, grant) for grant in granted))
    return {
        "type": "remit_mandate",
        "objective": {"type": OBJECTIVE, "summary": SUMMARY},
        "powers": powers,
    }


def _together(powers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Powers in their order, the same one said again left out: a mandate holds few.

    Only what follows itself is added up. An ask is charged to the first power that has room, so a wide one with the uses of
    a later one would take what a narrow one between them is for.
    """
    out: list[dict[str, Any]] = []
    for power in powers:
        last = out[-1] if out else {}
        if "uses" in power and last == {**power, "uses": last.get("uses")}:
            last["uses"] += power["uses"]
        elif "uses" in power or power not in out:
            out.append(power)
    return out


def _power(found: ReplaySet, grant: Mapping[str, Any]) -> dict[str, Any]:
    tool = found.by_name[grant["tool"]]
    where = _where(tool["parameters"].get("properties", {}), grant["where"])
    return {
        "power": "receive" if found.reads(grant["tool"]) else "request",
        "actions": [found.action(grant["tool"])],
        **({"where": where} if where else {}),
        **({"uses": grant["max_calls"]} if grant["max_calls"] is not None else {}),
    }


def _where(properties: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    where: dict[str, Any] = {}
    for path, tests in _whole(given).items():
        for test, value in tests.items():
            if (test == "equals" and value in _NOTHING) or (test == "in" and all(one in _NOTHING for one in value)):
                continue  # nothing can be tested about a value that is not there: such a test fails by design
            told, name = _test(properties, path, test, value)
            where.setdefault(told, {})[name] = value
    return where


def _test(properties: Mapping[str, Any], path: str, test: str, value: Any) -> tuple[str, str]:
    """Where a test stands in Remit's own form, and its name."""
    if test != "in":
        return path, test
    if "[*]" in path or not _is_array(properties.get(path, {})):
        return path, "one_of"
    # Of a set nothing may be said twice, and of elements none may be empty: a delegation says neither.
    return (path, "subset_of") if any(one in _NOTHING for one in value) else (f"{path}[*]", "one_of")


def _is_array(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in ("array", ["array", "null"]) or any(
        one.get("type") == "array" for one in schema.get("anyOf", ())
    )


def _whole(given: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Columns such as `flights[*].date` equals [a, b], told of element after element, put together to the array they describe."""
    out: dict[str, Mapping[str, Any]] = {}
    columns: dict[str, dict[str, list[Any]]] = {}
    for path, tests in given.items():
        array, _, member = path.partition("[*].")
        if member and "equals" in given.get(array, {}):
            continue  # the whole array is told, so its columns say nothing more
        if member and isinstance(tests.get("equals"), list):
            columns.setdefault(array, {})[member] = tests["equals"]
        else:
            out[path] = tests
    for array, members in columns.items():
        if len({len(values) for values in members.values()}) == 1:
            rows = [dict(zip(members, row, strict=True)) for row in zip(*members.values(), strict=True)]
            out[array] = {"equals": rows}
        else:  # not every element has every member: which has which is not told
            out |= {f"{array}[*].{member}": {"in": values} for member, values in members.items()}
    return out
