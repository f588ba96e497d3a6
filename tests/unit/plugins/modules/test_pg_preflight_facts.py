# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The preflight's failure tells every problem at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import yaml
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import waivers
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import Facts
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.run import Preflight, as_facts, problems_of
from ansible_collections.pgsafe.migration.plugins.modules import pg_preflight_facts
from ansible_collections.pgsafe.migration.plugins.modules.pg_preflight_facts import PreflightFailed
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_errors_are_numbered_and_the_facts_hold_the_warnings_too() -> None:
    bad = replace(FACTS, standby=True, prepared_transactions=("g",), publications=("p",))
    failed = PreflightFailed(Preflight(bad, problems_of(bad)))
    assert failed.what.startswith("2 problems stand in the way of a safe migration:\n  1. The server is a standby")
    assert "\n  2. The prepared transaction g" in failed.what
    listed = failed.facts()["problems"]
    assert [problem["severity"] for problem in listed] == ["error", "error", "warning"]
    assert set(listed[0]) == {"check", "severity", "what", "remedy", "waived"}


def test_a_single_error_is_told_in_the_singular() -> None:
    bad = replace(FACTS, standby=True)
    assert PreflightFailed(Preflight(bad, problems_of(bad))).what.startswith("1 problem stands in the way")


@pytest.mark.parametrize(
    ("waived", "said"),
    [({"no_such_check": "why"}, "Cannot waive no_such_check"), ({"standby": " "}, "standby has no reason")],
)
def test_a_waiver_of_what_is_no_check_or_without_a_reason_is_refused(waived: dict[str, str], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        waivers.read(waived)


def test_a_waiver_may_name_a_check_of_either_family() -> None:
    assert waivers.read({"fence": "a", "database_names": "b"}) == {"fence": "a", "database_names": "b"}


# What JSON makes of a type that is written in a dataclass.
_TYPES = {"str": "str", "int": "int", "float": "float", "bool": "bool"}


def _documented(contains: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (value["type"], value.get("elements"), _documented(value["contains"]) if "contains" in value else None)
        for name, value in contains.items()
    }


def _declared(of: type) -> dict[str, Any]:
    hints = get_type_hints(of)
    return {field.name: _of_hint(hints[field.name]) for field in fields(of)}


def _of_hint(hint: Any) -> tuple[str, str | None, Any]:
    """The type, its elements, and what is in them, of a field."""
    arguments = [argument for argument in get_args(hint) if argument not in (type(None), Ellipsis)]
    origin = get_origin(hint)
    if origin in (tuple, frozenset):
        kind, _elements, inner = _of_hint(arguments[0])
        return "list", kind, inner
    if origin is Mapping:
        return "dict", None, None
    if arguments:
        return _of_hint(arguments[0])
    if isinstance(hint, type) and is_dataclass(hint):
        return "dict", None, _declared(hint)
    return _TYPES[hint.__name__], None, None


def test_every_fact_is_documented_with_its_type_and_no_other() -> None:
    returned = yaml.safe_load(pg_preflight_facts.RETURN)
    documented = _documented(returned["ansible_facts"]["contains"]["pg_preflight"]["contains"])
    declared = _declared(Facts)
    kind, elements, size = declared["backup_size"]
    declared["backup_size"] = (kind, elements, {**size, "bytes": ("int", None, None)})
    reckoned = {"wal_bytes": ("int", None, None), "copy_bytes": ("int", None, None)}
    assert documented == {**declared, **reckoned}


def test_the_facts_are_what_the_documentation_says_and_what_json_knows() -> None:
    given = as_facts(FACTS)
    assert json.loads(json.dumps(given)) == given
    documented = yaml.safe_load(pg_preflight_facts.RETURN)["ansible_facts"]["contains"]["pg_preflight"]["contains"]
    assert set(given) == set(documented)
