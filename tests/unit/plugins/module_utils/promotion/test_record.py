# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is written is read back, and what was changed is not read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion import record
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.record import Evidence, Origin, Step

BEFORE, AFTER = {"relation a": "1", "relation b": "2"}, {"relation b": "3", "relation c": "4"}
STEP = {"name": "1.sql", "kind": "applied", "sha256": "ab", "parts": [{"name": "x.inc", "sha256": "cd"}], "tree": []}
ORIGIN = Origin("staging", "db1", "app", "20261116_143022")
EVIDENCE = Evidence(
    run_id="20261116_143022",
    database="app",
    set_name="default",
    server_version="18.1",
    server_major=18,
    began="2026-11-16T14:30:40Z",
    verified="2026-11-16T14:31:02Z",
    digest="ef",
    steps=[STEP],
    before=BEFORE,
    after=AFTER,
    report=("verification_report.json", "12"),
).as_json()


def test_a_record_is_read_back() -> None:
    found = record.read(record.completed(EVIDENCE, ORIGIN, {"ab": ["SELECT 1;"]}))
    assert (found.before, found.after) == (BEFORE, AFTER)
    assert found.steps == (Step("1.sql", "ab", (("x.inc", "cd"),)),)
    assert found.texts == {"ab": ("SELECT 1;",)}
    assert found.told == "staging: db1, app, run 20261116_143022, verified 2026-11-16 14:31 UTC"


def _without(name: str) -> str:
    content = json.loads(record.completed(EVIDENCE, ORIGIN, {}))
    return record.sealed({key: value for key, value in content.items() if key != name})


def _changed(**fields: Any) -> str:
    return json.dumps({**json.loads(record.completed(EVIDENCE, ORIGIN, {})), **fields})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no promotion record"),
        ("[]", "it is no promotion record"),
        (_without("schema"), "it is no promotion record (KeyError: 'schema')"),
        (_without("format"), "its format is None, and not 1"),
        (_changed(server_major=17), "it was changed after it was written"),
        (record.sealed(json.loads(_changed(verified="yesterday"))), "it is no promotion record (ValueError"),
        ('{"format": 2, "format": 1}', "a key occurs twice: 'format'"),
        ('{"format": Infinity}', "it is no promotion record"),
        (record.sealed(json.loads(_changed(server_major=float("inf")))).replace("Infinity", "1e999"), "OverflowError"),
        ("[" * 100000, "it is no promotion record (RecursionError"),
        (record.completed(EVIDENCE, ORIGIN, {})[:-20], "it is no promotion record"),
    ],
)
def test_anything_else_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadRequest) as caught:
        record.read(text)
    assert why in caught.value.what


@pytest.mark.parametrize("text", ["{}", "[]", "[" * 100000, '{"steps": NaN}', '{"a": 1, "a": 2}'])
def test_evidence_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="evidence"):
        record.completed(text, ORIGIN, {})


def test_where_a_run_was_is_not_for_its_evidence_to_say() -> None:
    lied = json.dumps({**json.loads(EVIDENCE), "environment": "production", "host": "db2"})
    found = record.read(record.completed(lied, ORIGIN, {}))
    assert (found.environment, found.host) == ("staging", "db1")


@pytest.mark.parametrize("lie", [{"set_name": "\ud800"}, {"verified": "soon"}, {"schema": []}, {"format": 2}])
def test_evidence_that_could_not_be_read_back_is_refused(lie: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        record.completed(json.dumps({**json.loads(EVIDENCE), **lie}), ORIGIN, {})


@pytest.mark.parametrize("lie", [{"run_id": "20261116_143023"}, {"database": "other"}])
def test_evidence_of_another_run_is_refused(lie: dict[str, str]) -> None:
    with pytest.raises(BadRequest, match="is of another one"):
        record.completed(json.dumps({**json.loads(EVIDENCE), **lie}), ORIGIN, {})
