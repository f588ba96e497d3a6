# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people declare of a migration, and the structure that every report of it is made of."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import result as verification
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.assertions import Checked
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.audit_deltas import Delta
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.expectations import (
    Expectation,
    TableChange,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.inventory import ObjectChange
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.leftovers import (
    KeptTable,
    Unanalysed,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import (
    Verification,
    VerificationReport,
    Wanted,
)
from ansible_collections.pgsafe.migration.tests.unit.samples import MANIFEST

GIVEN = {"expectations": {}, "assertions": [], "declared": [], "may_do_nothing": False}
FAILED = Verification(
    tables=(TableChange("public.t", 5, 4, "", "LOST 1", "It has lost one."),),
    deltas=(Delta("orphans public.t", "error", "new", 0, 3, "Three orphans.", "Delete them."),),
    objects=(ObjectChange("index", "public.i", "added"),),
    outside=(),
    checked=(Checked("it", True, ""),),
    unanalysed=(Unanalysed("public.t", "ANALYZE public.t;"),),
    kept=(KeptTable("public.t_old", 8192, "DROP TABLE public.t_old;"),),
    problems=("It has lost one.",),
    warnings=(),
)


def test_what_is_declared_is_typed_once() -> None:
    given = {"expectations": {"t": "same"}, "declared": ["index *"], "may_do_nothing": True}
    wanted = verification.wanted({**GIVEN, **given})
    assert wanted == Wanted({"t": Expectation("same")}, (), ("index *",), True)
    with pytest.raises(BadRequest):
        verification.wanted({**GIVEN, "assertions": [{"name": "it"}]})


@pytest.mark.parametrize(
    ("key", "declared"),
    [
        ("index public.t_a", True),
        ("index public.t_b", True),
        ("trigger public.t.audit", True),
        ("trigger public.t.audit_2", False),
        ("Trigger public.t.audit", False),
    ],
)
def test_a_pattern_declares_what_it_matches_as_a_whole(key: str, declared: bool) -> None:
    assert Wanted(declared=("index public.t_*", "trigger public.t.audit")).is_declared(key) == declared


def test_a_verification_passes_without_a_problem() -> None:
    assert not FAILED.passed
    assert replace(FAILED, problems=()).passed


def test_a_verification_is_reported_as_what_json_can_hold() -> None:
    told: Any = VerificationReport.of(FAILED, MANIFEST).as_result()
    assert (told["run_id"], told["database"], told["passed"]) == ("20261116_143022", "app", False)
    assert json.loads(json.dumps(told)) == {**told, "objects": [{**told["objects"][0], "facts": []}]}
    assert told["tables"][0]["problem"] == told["problems"][0]
