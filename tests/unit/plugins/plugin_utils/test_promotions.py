# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory of records: many write at once, none is half written, and what is withdrawn does not count."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, FileFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import migration_set
from ansible_collections.pgsafe.migration.plugins.plugin_utils import promotions
from ansible_collections.pgsafe.migration.plugins.plugin_utils.promotions import Shelf
from ansible_collections.pgsafe.migration.tests.unit.plugins.module_utils.promotion.test_record import EVIDENCE

RUN = "20261116_143022"


def test_lines_are_those_of_a_diff_and_of_included_files_too(tmp_path: Path) -> None:
    contents = {"1.sql": "\\i part.inc\n", "2.sql": "SELECT 1;\r\nSELECT 2;", "part.inc": "SELECT 3;\n"}
    for name, text in contents.items():
        (tmp_path / name).write_bytes(text.encode())
    found = promotions.lines(migration_set.read(tmp_path, ()))
    assert sorted(found.values()) == [
        ["SELECT 1;\r", "SELECT 2;", "\\ No newline at end of file"],
        ["SELECT 3;"],
        ["\\i part.inc"],
    ]


def of(database: str, run_id: str = RUN) -> str:
    return json.dumps({**json.loads(EVIDENCE), "database": database, "run_id": run_id})


def test_many_hosts_record_at_once(tmp_path: Path) -> None:
    shelves = [Shelf(tmp_path, "staging", f"db{number}", "app") for number in range(30)]
    with ThreadPoolExecutor(30) as pool:
        paths = list(pool.map(lambda shelf: shelf.keep(RUN, EVIDENCE, {}), shelves))
    assert len(set(paths)) == 30
    found = promotions.kept(tmp_path, "staging")
    assert (len(found.records), found.broken) == (30, ())
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(paths)


def test_hosts_and_databases_of_like_names_keep_apart(tmp_path: Path) -> None:
    pairs = [("a/b", "c"), ("a", "b/c"), ("A", "b"), ("a", "B"), ("a", "b")]
    assert len({Shelf(tmp_path, "staging", host, name).keep(RUN, of(name), {}) for host, name in pairs}) == len(pairs)


def test_a_withdrawn_record_does_not_count_and_is_told(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "staging", "db1", "app")
    shelf.keep(RUN, EVIDENCE, {})
    assert shelf.recorded == [RUN]
    shelf.withdraw(RUN)
    assert shelf.recorded == []
    found = promotions.kept(tmp_path, "staging")
    assert found.records == ()
    assert found.withdrawn[0].endswith("(the run was rolled back)")


def test_a_record_in_the_place_of_another_environment_is_broken(tmp_path: Path) -> None:
    Shelf(tmp_path, "test", "db1", "app").keep(RUN, EVIDENCE, {})
    (tmp_path / "test").rename(tmp_path / "staging")
    assert [line.endswith("it is of test") for line in promotions.kept(tmp_path, "staging").broken] == [True]


def test_a_place_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "staging").touch()
    with pytest.raises(FileFailed):
        Shelf(tmp_path, "staging", "db1", "app").keep(RUN, EVIDENCE, {})


@pytest.mark.parametrize("run_id", ["../../../x", "/etc/x", "", "20261116_143022/../x", "20261116_143022\n", "x"])
def test_a_target_cannot_name_the_file_of_a_record(tmp_path: Path, run_id: str) -> None:
    shelf = Shelf(tmp_path / "records", "staging", "db1", "app")
    with pytest.raises(BadRequest, match="no identifier of a run"):
        shelf.keep(run_id, of("app", run_id), {})
    with pytest.raises(BadRequest, match="no identifier of a run"):
        shelf.withdraw(run_id)
    assert list(tmp_path.iterdir()) == []


def test_a_record_counts_only_in_its_own_place(tmp_path: Path) -> None:
    path = Shelf(tmp_path, "staging", "db1", "app").keep(RUN, EVIDENCE, {})
    other = path.parent.parent.parent / "db2" / "app"
    shutil.copytree(path.parent, other)
    shutil.copy(path, path.with_name("20261116_143023.json"))
    found = promotions.kept(tmp_path, "staging")
    assert len(found.records) == 1
    assert [line.partition(": ")[2].partition(" (")[0] for line in found.broken] == ["it is not in its place"] * 2


def test_what_is_no_file_is_no_record_and_stops_nothing(tmp_path: Path) -> None:
    place = Shelf(tmp_path, "staging", "db.json", "app.json").keep(RUN, of("app.json"), {}).parent
    os.mkfifo(place / "pipe.json")
    (place / "link.json").symlink_to("nowhere")
    found = promotions.kept(tmp_path, "staging")
    assert len(found.records) == 1
    assert found.broken == (f"{place}/link.json: it is no file", f"{place}/pipe.json: it is no file")


def test_a_place_that_cannot_be_entered_is_told(tmp_path: Path) -> None:
    (tmp_path / "staging").touch()
    assert promotions.kept(tmp_path, "staging").broken == (f"{tmp_path}/staging cannot be read (Not a directory)",)
    assert promotions.kept(tmp_path, "test").broken == ()


def test_a_withdrawal_that_leads_nowhere_withdraws(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "staging", "db1", "app")
    shelf.keep(RUN, EVIDENCE, {}).with_name(f"{RUN}.withdrawn.json").symlink_to("nowhere")
    assert shelf.recorded == []
    assert len(promotions.kept(tmp_path, "staging").withdrawn) == 1
