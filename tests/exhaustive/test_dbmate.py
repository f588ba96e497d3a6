# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The history that dbmate itself has written is taken over, and its directory goes on.

dbmate comes from the npm registry, with its program in the package. Without npm these tests fail and say so.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import tool
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.pending import Accepted
from ansible_collections.pgsafe.migration.tests.exhaustive import foreign_sources
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look, of, only
from ansible_collections.pgsafe.migration.tests.server.support import Database, planned, proven, request, write_set

ONE = "-- migrate:up\nALTER TABLE customers ADD grade integer;\n\n-- migrate:down\nALTER TABLE customers DROP grade;\n"
TWO = "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY by_grade ON customers (grade);\n\n-- migrate:down\n"
THREE = "-- migrate:up\nCREATE TABLE grades (grade integer PRIMARY KEY);\n\n-- migrate:down\nDROP TABLE grades;\n"
APPLIED = {"20260101000000_grade.sql": ONE, "20260102000000_index.sql": TWO}
NEXT = {"20260103000000_grades.sql": THREE}


@pytest.fixture(scope="session")
def program() -> Path:
    return foreign_sources.dbmate()


def environment(database: Database) -> Mapping[str, str]:
    return {**os.environ, "DATABASE_URL": database.target.url_for_commands}


def options(program: Path, files: Path) -> tuple[str, ...]:
    return (str(program), "--migrations-dir", str(files), "--no-dump-schema")


@pytest.mark.every_major
def test_what_dbmate_has_applied_is_taken_over_and_its_directory_goes_on(
    database: Database, backup_root: Path, tmp_path: Path, program: Path
) -> None:
    files = write_set(tmp_path / "migrations", APPLIED)
    subprocess.run([*options(program, files), "migrate"], env=environment(database), check=True)
    problem = only(look(database, backup_root), "other_histories")
    assert "public.schema_migrations is a history of dbmate or Rails" in problem.what
    (shown,) = re.findall(r"\((SELECT .*?)\) and set", problem.remedy)
    newest = next(name for name in APPLIED if name.startswith(database.sql(shown).strip()))
    assert newest == "20260102000000_index.sql"
    write_set(files, NEXT)
    baseline = Accepted(baseline=newest)
    done = migrate.run(request(database, proven(database, backup_root), files, accepted=baseline))
    assert (done.verdict, done.applied) == ("migrated", tuple(NEXT))
    assert of(look(database, backup_root), "other_histories") == []
    assert not planned(database, SetSource(files)).pending
    write_set(files, {"20260104000000_next.sql": "-- migrate:up\nALTER TABLE grades ADD name text;\n"})
    done = migrate.run(request(database, proven(database, backup_root), files))
    assert done.applied == ("20260104000000_next.sql",)


@pytest.mark.every_major
def test_dbmate_as_the_command_says_what_is_pending(
    database: Database, backup_root: Path, tmp_path: Path, program: Path
) -> None:
    files = write_set(tmp_path / "migrations", APPLIED)
    dbmate = options(program, files)
    asked = tool.options("", [*dbmate, "status", "--exit-code"], r"^Pending: [1-9]")
    source = SetSource(command=(*dbmate, "migrate"))
    before = planned(database, source, tool_options=asked, database_url=True)
    assert (before.pending, before.version) == (True, "none")
    wanted = request(database, proven(database, backup_root), files, tool_options=asked, database_url=True)
    done = migrate.run(replace(wanted, source=source))
    assert [change.told for change in done.versions] == [
        "dbmate or Rails none -> 20260102000000 (2 applied) (public.schema_migrations)"
    ]
    assert not planned(database, source, tool_options=asked, database_url=True).pending
    write_set(files, NEXT)
    assert planned(database, source, tool_options=asked, database_url=True).pending
