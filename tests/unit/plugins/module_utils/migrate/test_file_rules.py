# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file that would leave its database, hide an error, or end its transaction is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import file_rules
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.conventions import NO_TRANSACTION


def _check(root: Path, files: dict[str, str], transactional: bool = True) -> list[str]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    tree = [str(path.relative_to(root)) for path in root.rglob("*")]
    return file_rules.check(root, "a", (root / "a").read_text(), transactional, tree)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT 1;\n  \\connect other", r":2: \\connect leaves the database"),
        ("SELECT 1; \\c", r":1: \\c leaves the database"),
        ("\\! rm -rf /", "leaves the database"),
        ("SELECT 1;\n\\q\nSELECT 2;", r":2: \\q ends the file before its last line"),
        ("SELECT 1;\n\\cd parts\n\\i a", r":2: \\cd changes what the file names after it refer to"),
        ("\\if false\n\\cd\n\\endif", r":2: \\cd changes"),
        ("\\set ON_ERROR_STOP off", "ON_ERROR_STOP changes what psql does after an error"),
        ("\\set ON_ERROR_STOP 0", "ON_ERROR_STOP changes"),
        ("\\unset ON_ERROR_STOP", "ON_ERROR_STOP changes"),
        ("\\set AUTOCOMMIT off", "AUTOCOMMIT changes"),
        ("\\set ON_ERROR_ROLLBACK on", "ON_ERROR_ROLLBACK changes"),
        ("\\set LAST_ERROR_SQLSTATE 00000", "LAST_ERROR_SQLSTATE changes"),
        ("SELECT 1; /* open", "/[*] is never closed"),
        ("\\i :name", "is not a plain file name"),
        ("\\i `ls`", "is not a plain file name"),
        ("\\i ../a", "names a file that is not in the migration set"),
        ("\\i /etc/passwd", "names a file that is not in the migration set"),
        ("\\i missing", "names a file that is not in the migration set"),
    ],
)
@pytest.mark.parametrize("transactional", [True, False])
def test_a_file_that_psql_would_not_run_to_its_end_here_is_refused(
    tmp_path: Path, text: str, why: str, transactional: bool
) -> None:
    with pytest.raises(BadRequest, match=why):
        _check(tmp_path, {"a": text}, transactional)


@pytest.mark.parametrize(
    "text",
    [
        *("begin;", "BEGIN ISOLATION LEVEL SERIALIZABLE;", "COMMIT WORK;", "commit and chain;", "END;", "ABORT;"),
        *("START TRANSACTION;", "PREPARE TRANSACTION 'x';", "SELECT 1; ROLLBACK AND CHAIN;", "SELECT 1 \\; COMMIT;"),
        *("  ROLLBACK;", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);", "DROP INDEX CONCURRENTLY i;", "VACUUM t;"),
        *("REINDEX TABLE CONCURRENTLY t;", "CREATE DATABASE d;", "DROP TABLESPACE t;", "ALTER SYSTEM SET a = 1;"),
        *("REINDEX SCHEMA s;", "ALTER TABLE t DETACH PARTITION p CONCURRENTLY;"),
        "ALTER DATABASE d SET TABLESPACE t;",
    ],
)
def test_what_cannot_be_in_one_transaction_is_refused_with_the_way_out(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadRequest, match="each file is run in one transaction") as caught:
        _check(tmp_path, {"a": text})
    assert caught.value.remedy.endswith(NO_TRANSACTION)
    if "ROLLBACK" in text or "ABORT" in text:
        with pytest.raises(BadRequest, match="undoes what the file has done"):
            _check(tmp_path, {"a": text}, transactional=False)
    else:
        _check(tmp_path, {"a": text}, transactional=False)


@pytest.mark.parametrize(
    "text",
    [
        "SAVEPOINT s; ROLLBACK TO SAVEPOINT s; ROLLBACK TO s; ROLLBACK WORK TO s; RELEASE s;",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql\nBEGIN ATOMIC\n  SELECT 1;\nEND;",
        "\\set ON_ERROR_STOP on\n\\set ON_ERROR_STOP\n\\set AUTOCOMMIT on\n\\set ON_ERROR_ROLLBACK off\n\\set x off",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v; ALTER DATABASE d SET work_mem = 1; REINDEX TABLE t;",
        "ALTER TABLE t ADD commit int; SELECT 'ROLLBACK', 1 AS end;",
    ],
)
def test_what_only_looks_like_it_is_accepted(tmp_path: Path, text: str) -> None:
    _check(tmp_path, {"a": text})


def test_every_file_that_is_included_is_read_whatever_its_name(tmp_path: Path) -> None:
    files = {"a": "\\i 'parts/b'\n", "parts/b": "\\ir c.inc\n\\i a\n", "parts/c": "COMMIT;"}
    _check(tmp_path, {**files, "parts/c.inc": "SELECT 1;"})
    for text, why in [("\\c postgres", "leaves the database"), ("COMMIT;", "each file is run in one transaction")]:
        with pytest.raises(BadRequest, match=rf"parts/c\.inc:1: .*{why}"):
            _check(tmp_path, {"parts/c.inc": text})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        *((f"\\copy t from {name}", ["x.csv"]) for name in ("x.csv", "x.csv;", "'x.csv'", "'x.csv';", "./x.csv csv")),
        ("\\copy t from program.csv", ["program.csv"]),
        ("\\copy t FROM stdin.csv;\n\\ir x.csv", ["stdin.csv", "x.csv"]),
        ('\\copy t(a,"x from y") from x.csv', ["x.csv"]),
        ("\\copy s.from from x.csv;", ["x.csv"]),
        ("\\copy t from 'it''s:1' csv", ["it's:1"]),
        ("\\copy (SELECT a FROM x.csv) to y", []),
        ("\\copy t from stdin;\n\\ir x.csv\n\\.\n", []),
        ("\\copy t from program 'x.csv'", []),
        ("\\copy t from pstdin", []),
        ("\\copy t", []),
        *((f"\\lo_import {name}", ["x.csv"]) for name in ("x.csv", "x.csv;", "'x.csv' 'a comment'")),
        ("\\lo_import :name", []),
    ],
)
def test_a_file_that_rows_are_read_from_is_a_part(tmp_path: Path, text: str, names: list[str]) -> None:
    data = dict.fromkeys(("x.csv", "program.csv", "stdin.csv", "it's:1", ":name", "y"), "")
    assert _check(tmp_path, {"a": text, **data}) == names
