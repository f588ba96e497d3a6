# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every object that a migration touched is told; what is missed only later is told apart."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import inventory
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.inventory import ObjectChange

Objects = dict[str, dict[str, dict[str, str]]]

BEFORE: Objects = {
    "relation": {"public.t": {"kind": "table"}, "public.v": {"kind": "view", "definition": "SELECT 1"}},
    "column": {"public.t.a": {"type": "integer"}, "public.t.b": {"type": "text"}},
    "column order": {"public.t": {"columns": "a, b"}},
    "constraint": {"public.t.positive": {"definition": "CHECK ((a > 0))"}},
    "index": {"public.t_a": {"definition": "CREATE INDEX t_a ON public.t USING btree (a)"}},
    "trigger": {"public.t.audit": {"definition": "CREATE TRIGGER audit AFTER INSERT ON public.t EXECUTE FUNCTION f()"}},
}


def without(kind: str, name: str, **others: dict[str, dict[str, str]]) -> Objects:
    """The objects from before without one of them, and with others instead of or beside it."""
    kept = {of: {key: facts for key, facts in objects.items() if (of, key) != (kind, name)}
            for of, objects in BEFORE.items()}  # fmt: skip
    return {of: {**objects, **others.get(of, {})} for of, objects in kept.items()}


def missed(after: Objects) -> list[str]:
    return [change.key for change in inventory.missed(inventory.compared(BEFORE, after, exact=True), after)]


def test_what_is_as_before_is_not_told() -> None:
    assert inventory.compared(BEFORE, BEFORE, exact=True) == ()


def test_an_object_is_told_with_what_became_of_it_and_never_with_its_text() -> None:
    after = without("column", "public.t.b", relation={"public.v": {"kind": "view", "definition": "SELECT 'secret'"}})
    after["column"]["public.t.c"] = {"type": "text"}
    found = inventory.told(inventory.compared(BEFORE, after, exact=True))
    assert found == (
        ObjectChange("column", "public.t.b", "removed"),
        ObjectChange("column", "public.t.c", "added"),
        ObjectChange("relation", "public.v", "changed", ("definition",)),
    )


def test_the_order_of_columns_is_not_told_since_the_columns_are() -> None:
    after = {**BEFORE, "column order": {"public.t": {"columns": "b, a"}}}
    assert inventory.compared(BEFORE, after, exact=True) == ()


@pytest.mark.parametrize(
    ("kind", "name"), [("constraint", "public.t.positive"), ("index", "public.t_a"), ("trigger", "public.t.audit")]
)
def test_an_index_a_constraint_and_a_trigger_that_are_gone_are_missed(kind: str, name: str) -> None:
    assert missed(without(kind, name)) == [f"{kind} {name}"]


@pytest.mark.parametrize(
    ("kind", "name", "instead"),
    [
        ("constraint", "public.t.positive", {"public.t.above_zero": {"definition": "CHECK ((a > 0))"}}),
        ("index", "public.t_a", {"public.i": {"definition": "CREATE INDEX i ON public.t USING btree (a)"}}),
        (
            "trigger",
            "public.t.audit",
            {"public.t.log": {"definition": "CREATE TRIGGER log AFTER INSERT ON public.t EXECUTE FUNCTION f()"}},
        ),
    ],
)
def test_what_was_only_renamed_is_not_missed(kind: str, name: str, instead: Any) -> None:
    assert missed(without(kind, name, **{kind: instead})) == []


def test_another_index_does_not_stand_for_the_one_that_is_gone() -> None:
    unique = {"public.i": {"definition": "CREATE UNIQUE INDEX i ON public.t USING btree (a)"}}
    assert missed(without("index", "public.t_a", index=unique)) == ["index public.t_a"]


def test_what_went_with_its_table_is_not_missed() -> None:
    after: Objects = {**{kind: {} for kind in BEFORE}, "relation": {"public.v": BEFORE["relation"]["public.v"]}}
    assert missed(after) == []
    told = inventory.told(inventory.compared(BEFORE, after, exact=True))
    assert ObjectChange("relation", "public.t", "removed") in told


def disabled(before: Objects, after: Objects) -> list[str]:
    return list(inventory.disabled(inventory.compared(before, after, exact=True), before))


def trigger(enabled: str = "") -> Objects:
    return {"trigger": {"public.t.audit": {"definition": "x", **({"enabled": enabled} if enabled else {})}}}


def foreign_key(table: str, letter: str) -> Objects:
    return {"disabled foreign key": {f"public.{table}.fk": {"triggers": f"a O, b {letter}"}}}


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (trigger(), trigger("no"), ["trigger public.t.audit"]),
        (trigger(), trigger("replica"), ["trigger public.t.audit"]),
        (trigger("always"), trigger("no"), ["trigger public.t.audit"]),
        (trigger(), trigger("always"), []),
        (trigger("no"), trigger(), []),
        (trigger("no"), trigger("replica"), []),
        ({}, foreign_key("t", "D"), ["foreign key public.t.fk"]),
        ({}, foreign_key("t", "R"), ["foreign key public.t.fk"]),
        ({}, foreign_key("t", "A"), []),
        (foreign_key("t", "D"), {}, []),
        (foreign_key("t", "D"), foreign_key("t_old", "D"), []),
        (foreign_key("t", "D"), foreign_key("u", "D"), ["foreign key public.u.fk"]),
    ],
)
def test_what_does_not_act_any_more_is_found_and_what_never_did_is_not(
    before: Objects, after: Objects, found: list[str]
) -> None:
    assert disabled(before, after) == found


def test_a_name_with_a_point_in_it_belongs_to_its_table() -> None:
    assert inventory.owner('"Odd.Schema"."T.x"."b.c"') == '"Odd.Schema"."T.x"'
    assert inventory.owner("public.t.a") == "public.t"
