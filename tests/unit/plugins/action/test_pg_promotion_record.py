# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a target returns as evidence is refused with a message, whatever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.action import pg_promotion_record
from ansible_collections.pgsafe.migration.plugins.plugin_utils.promotions import Shelf

RUN = "20261116_143022"


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"evidence": None, "undone": []},
        {"evidence": [RUN], "undone": []},
        {"evidence": {RUN: 5}, "undone": []},
        {"evidence": {RUN: {"run_id": RUN}}, "undone": []},
        {"evidence": {}, "undone": RUN},
        {"evidence": {}, "undone": [None]},
        {"evidence": {}, "undone": [{"run": RUN}]},
    ],
)
def test_evidence_of_another_type_is_not_kept_and_a_message_says_so(tmp_path: Path, found: dict[str, Any]) -> None:
    result = pg_promotion_record._kept(Shelf(tmp_path, "staging", "db1", "app"), found, {})
    (problem,) = result["not_recorded"]
    assert "no evidence of a run" in problem
    assert (result["recorded"], result["withdrawn"], list(tmp_path.iterdir())) == ([], [], [])


TEXTS = ["5", "[]", "null", "{}", '{"steps": 5}', '{"steps": [5]}', '{"steps": [{"sha256": []}]}']


@pytest.mark.parametrize("text", TEXTS)
def test_evidence_with_parts_of_another_type_is_not_kept_and_a_message_says_so(tmp_path: Path, text: str) -> None:
    found = {"evidence": {RUN: text}, "undone": []}
    result = pg_promotion_record._kept(Shelf(tmp_path, "staging", "db1", "app"), found, {})
    (problem,) = result["not_recorded"]
    assert "evidence of a run" in problem
    assert result["recorded"] == []
