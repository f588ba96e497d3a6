# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory of a schema: what another environment may have otherwise is not in it."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import schema
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Catalog

BASE: dict[str, dict[str, dict[str, str]]] = {
    "relation": {"public.t": {"kind": "table", "owner": "a"}, "public.v": {"kind": "view", "definition": "SELECT 1"}},
    "column": {"public.t.a": {"type": "integer", "default": "(1)::integer"}},
    "index": {"public.t_a": {"definition": "CREATE INDEX t_a ON t (a)"}},
}


def changed(kind_of: str, name: str, **facts: str) -> Catalog:
    objects = BASE.get(kind_of, {})
    return {**BASE, kind_of: {**objects, name: {**objects.get(name, {}), **facts}}}


@pytest.mark.parametrize(
    "catalog",
    [
        changed("relation", "public.t", owner="b", privileges="b=SELECT", comment="x", tablespace="fast"),
        changed("relation", "public.t", options="fillfactor=70"),
        changed("column", "public.t.a", default="1"),
        changed("publication", "all", owner="x"),
        changed("relation", "public.t_2026", **{"kind": "table", "partition bound": "FOR VALUES IN (1)"}),
        {**changed("relation", "public.p", **{"partition bound": "x"}), "trigger": {"public.p.x": {"definition": "y"}}},
        changed("index", "public.t_2026_a", definition="x", parent="public.t_a"),
    ],
)
def test_what_two_environments_may_have_of_their_own_is_no_difference(catalog: Catalog) -> None:
    assert schema.inventory(catalog) == schema.inventory(BASE)
    assert schema.digest(schema.inventory(catalog)) == schema.digest(schema.inventory(BASE))


@pytest.mark.parametrize(
    ("catalog", "line"),
    [
        (changed("relation", "public.v", options="security_barrier=true"), "relation public.v differs from staging"),
        (changed("column", "public.t.b", type="text"), "column public.t.b is not in staging"),
        ({**BASE, "index": {}}, "index public.t_a is in staging only"),
        (changed("index", "public.t_a", definition="CREATE INDEX"), "index public.t_a differs from staging"),
    ],
)
def test_a_difference_is_named(catalog: Catalog, line: str) -> None:
    assert list(schema.differences(schema.inventory(BASE), schema.inventory(catalog), "staging")) == [line]


def test_what_belongs_to_a_relation_that_one_side_lacks_is_not_said_again() -> None:
    without = {**BASE, "relation": {"public.v": BASE["relation"]["public.v"]}, "column": {}}
    lines = list(schema.differences(schema.inventory(BASE), schema.inventory(without), "staging"))
    assert lines == ["relation public.t is in staging only"]
