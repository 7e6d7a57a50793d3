"""The starter packs and their policy cases."""

from datetime import date
from functools import cache

from remit.adapters.files.pack import Pack, read_pack
from remit.adapters.params.schema import JsonSchemaParams
from remit.adapters.policy.cedar import CedarPolicy
from remit.domain.catalogue.model import Catalogue
from remit.domain.policy.cases import CaseResult, read_policy_cases
from remit.domain.policy.rulebook import read_catalogue
from remit.usecases.policy.run_cases import run_policy_cases

TODAY = date(2026, 1, 7)


PACKS = ("consumer", "regulated", "service-desk")


@cache
def pack(name: str) -> tuple[Pack, Catalogue]:
    found = read_pack(name)
    return found, read_catalogue(found.catalogue, today=TODAY)


def run_all(found: Pack, catalogue: Catalogue, policies: tuple[tuple[str, str], ...]) -> tuple[CaseResult, ...]:
    cases = [case for file, text in found.cases for case in read_policy_cases(file, text, catalogue)]
    return run_policy_cases(cases, policy=CedarPolicy(policies, catalogue), params=JsonSchemaParams(catalogue), catalogue=catalogue)
