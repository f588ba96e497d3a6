# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a report on the controller."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed
from ansible_collections.pgsafe.migration.plugins.plugin_utils import fleet_files
from ansible_collections.pgsafe.migration.tests.unit import fleet_samples


def test_each_play_has_a_directory_of_its_own_with_the_forms_that_were_asked_for(tmp_path: Path) -> None:
    report = fleet_samples.sample()
    place = tmp_path / "pgsafe" / "reports"
    first, second = (fleet_files.write(place, ["json", "junit"], report) for _time in range(2))
    assert [first.name, second.name] == ["20261128_143022", "20261128_143022_2"]
    assert sorted(path.name for path in first.iterdir()) == ["junit.xml", "report.json"]
    assert json.loads((first / "report.json").read_text()) == report


@pytest.mark.parametrize("form", fleet_files.FORMATS)
def test_a_hostile_report_is_written_in_every_form(tmp_path: Path, form: str) -> None:
    (written,) = fleet_files.write(tmp_path / "reports", [form], fleet_samples.hostile()).iterdir()
    assert b"\x00" not in written.read_bytes()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "reports").touch()
    with pytest.raises(FileFailed, match="reports"):
        fleet_files.write(tmp_path / "reports", ["json"], fleet_samples.sample())
