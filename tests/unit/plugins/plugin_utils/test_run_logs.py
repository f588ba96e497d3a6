# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller keeps of runs, its own and those that it meets."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed
from ansible_collections.pgsafe.migration.plugins.plugin_utils.run_logs import HostLog

OWN = "migration_20261116_143022.log"


def kept(path: Path) -> list[str]:
    """Without the times."""
    return [line.partition(" UTC  ")[2] or line for line in path.read_text().splitlines()]


def test_what_was_shown_before_the_run_had_an_id_is_in_its_log(tmp_path: Path) -> None:
    log = HostLog(str(tmp_path / "pgsafe"), "db/1")
    log.show("Phase 1", "[✓] Nothing stands in the way")
    log.take({"changed": False})
    assert list(tmp_path.iterdir()) == []
    log.take({"run_id": "20261116_143022", "run_logs": [{"run_id": "20261116_143022", "lines": ["fenced"]}]})
    log.take({"run_logs": [{"run_id": "20261116_143022", "lines": ["fenced", "migrated"]}]})
    log.show("VERDICT", "migrated and verified")
    log.end(refused=False)
    (directory,) = (tmp_path / "pgsafe").iterdir()
    assert "/" not in directory.name
    assert kept(directory / OWN) == [
        "Phase 1  [✓] Nothing stands in the way",
        "VERDICT  migrated and verified",
        "",
        "---- On the target ----",
        "fenced",
        "migrated",
    ]


def test_a_run_that_this_play_meets_gets_what_its_own_controller_did_not_live_to_see(tmp_path: Path) -> None:
    died = HostLog(str(tmp_path), "db1")
    died.show("Phase 3", "Applying")
    died.take({"run_id": "20261116_143022", "run_logs": [{"run_id": "20261116_143022", "lines": ["applying"]}]})
    met = HostLog(str(tmp_path), "db1")
    met.take({"runs": [{"run_id": "20261116_143022", "log": ["applying", "rolled back"]}]})
    met.end(refused=False)
    brought = ["", "---- On the target ----", "applying", "rolled back"]
    assert kept(tmp_path / "db1" / OWN) == ["Phase 3  Applying", *brought]


def test_a_run_that_was_refused_before_it_began_is_kept_by_its_time(tmp_path: Path) -> None:
    log = HostLog(str(tmp_path), "db1")
    log.show("VERDICT", "refused")
    log.end(refused=True)
    (path,) = (tmp_path / "db1").iterdir()
    assert path.name.startswith("refused_2")
    assert kept(path) == ["VERDICT  refused"]


def test_where_nothing_was_refused_and_nothing_was_begun_nothing_is_kept(tmp_path: Path) -> None:
    log = HostLog(str(tmp_path), "db1")
    log.show("", "[✓] unchanged")
    log.end(refused=False)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = HostLog(str(tmp_path / "file"), "db1")
    with pytest.raises(FileFailed):
        log.take({"run_id": "20261116_143022"})
