# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How closely tables are read is chosen, bounded, written down, and the same for whatever is compared later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import contents, fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.reading_modes import Chosen
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import SOURCE, Fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.backup_support import (
    Roles,
    as_role,
    by_archive,
    differences,
    new_roles,
    request,
)
from ansible_collections.pgsafe.migration.tests.server.fingerprint_support import of_copy, of_source
from ansible_collections.pgsafe.migration.tests.server.support import Database
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

pytestmark = pytest.mark.every_major

TABLES = """
CREATE TABLE keyed (id integer, part text, noise text, PRIMARY KEY (part, id));
INSERT INTO keyed SELECT i, 'p' || i % 3, md5(i::text) FROM generate_series(1, 5000) AS i;
CREATE TABLE keyless AS SELECT i AS id, md5(i::text) AS noise FROM generate_series(1, 500) AS i;
SELECT lo_from_bytea(5000 + i, convert_to(i::text, 'UTF8')) FROM generate_series(1, 300) AS i;
"""
IN_SAMPLE = 'hashtextextended(ROW(id, part)::text COLLATE "C", 0) & 63 = 0'


@pytest.fixture
def roles(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


@pytest.fixture
def filled(database: Database) -> Database:
    database.sql(TABLES)
    return database


def take(database: Database, backup_root: Path, **options: object) -> backup.Backup:
    return backup.run(request(database, backup_root, **options))


def modes(found: Fingerprint) -> dict[str, str]:
    return {label: state.mode for label, state in found.tables.items() if label in ("public.keyed", "public.keyless")}


def test_a_sample_is_the_same_rows_in_a_restored_copy(filled: Database, backup_root: Path) -> None:
    taken = take(filled, backup_root, fingerprint="sampled")
    found = taken.manifest.fingerprint
    assert modes(found) == {"public.keyed": "sampled", "public.keyless": "full"}
    assert found.tables["public.keyed"].rows == 5000
    assert found.large_objects.mode == "sampled"
    assert 0 < len(found.large_objects.content) < 40
    # Another order of rows, other pages, and rows that have been updated.
    copy = by_archive(filled, taken)
    copy.sql("CLUSTER keyed USING keyed_pkey; UPDATE keyed SET noise = noise WHERE id % 7 = 0; VACUUM FULL keyed")
    copy.sql("ALTER TABLE keyed SET WITHOUT CLUSTER")
    assert differences(taken.manifest, copy) == ()


def test_a_sample_sees_what_is_changed_in_it_and_says_that_it_is_one(filled: Database, backup_root: Path) -> None:
    taken = take(filled, backup_root, fingerprint="sampled")
    chosen = int(filled.sql(f"SELECT count(*) FROM keyed WHERE {IN_SAMPLE}"))
    assert 5000 // 128 < chosen < 5000 // 32
    filled.sql(f"UPDATE keyed SET noise = 'x' WHERE id = (SELECT min(id) FROM keyed WHERE NOT {IN_SAMPLE})")
    assert differences(taken.manifest, filled) == ()
    filled.sql(f"UPDATE keyed SET noise = 'x' WHERE id = (SELECT min(id) FROM keyed WHERE {IN_SAMPLE})")
    told = "table public.keyed has other content in its 5,000 rows, seen in the sample"
    assert differences(taken.manifest, filled) == (told,)


def test_counts_read_nothing_but_the_number_of_rows(filled: Database, backup_root: Path) -> None:
    taken = take(filled, backup_root, fingerprint="counts")
    found = taken.manifest.fingerprint
    assert {state.mode for state in found.tables.values()} == {"counts"}
    assert {state.content for state in found.tables.values()} == {""}
    filled.sql("UPDATE keyed SET noise = 'x'")
    assert differences(taken.manifest, filled) == ()
    filled.sql("DELETE FROM keyed WHERE id = 1")
    assert differences(taken.manifest, filled) == ("table public.keyed has 4,999 rows instead of 5,000",)


def test_what_does_not_fit_into_the_budget_is_sampled_and_the_manifest_says_which(
    filled: Database, backup_root: Path
) -> None:
    taken = take(filled, backup_root, fingerprint_budget=0.000001)
    assert modes(taken.manifest.fingerprint) == {"public.keyed": "sampled", "public.keyless": "full"}
    # What has no pages takes no time.
    assert taken.manifest.fingerprint.tables["public.empty_one"].mode == "full"
    text = (taken.directory / "manifest.txt").read_text()
    assert "public.keyed: sampled" in text
    assert "equal as far as sampled" in text
    assert taken.manifest.seconds["fingerprint"] > 0
    verdict = verify.run(requests.verify(filled.target, taken.directory))
    assert verdict.reached == "restore"
    assert verdict.manifest is not None
    assert verdict.manifest.fingerprint.mode == "sampled"


def test_without_a_budget_everything_is_read(filled: Database, backup_root: Path) -> None:
    taken = take(filled, backup_root, fingerprint_budget=0)
    assert taken.manifest.fingerprint.mode == "full"
    assert "Not read in full" not in (taken.directory / "manifest.txt").read_text()


def test_a_way_that_there_is_not_is_refused(filled: Database, backup_root: Path) -> None:
    with pytest.raises(BadRequest):
        backup.plan(request(filled, backup_root, fingerprint="some"))


def test_several_sessions_find_what_one_finds(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    one = of_copy(filled)
    monkeypatch.setattr(contents, "PIECE_BYTES", 20000)
    with session(filled.target) as reader:
        pieces = len(list(contents.Contents(reader, Chosen()).work()))
        assert pieces > 2 * len(one.tables)
    assert fingerprint.of_database(filled.target, jobs=3) == one
    for mode in ("sampled", "counts"):
        like = replace(one, tables={label: replace(state, mode=mode) for label, state in one.tables.items()})
        several = fingerprint.of_database(filled.target, jobs=3, like=like)
        with session(filled.target) as reader:
            assert fingerprint.take(reader, like=like) == several
        assert several.tables["public.keyed"].mode == mode


def test_several_sessions_see_one_moment(filled: Database) -> None:
    before = of_source(filled)
    with filled.holding("DELETE FROM keyed", "UPDATE keyless SET noise = ''"):
        assert fingerprint.differences(before, fingerprint.of_database(filled.target, 2, SOURCE)) == ()


def test_rows_of_a_foreign_partition_are_not_read(filled: Database) -> None:
    filled.sql(
        """CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
        CREATE TABLE parted (a integer) PARTITION BY LIST (a);
        CREATE TABLE here PARTITION OF parted FOR VALUES IN (1); INSERT INTO parted VALUES (1), (1);
        CREATE FOREIGN TABLE there PARTITION OF parted FOR VALUES IN (2) SERVER nowhere"""
    )
    assert of_source(filled).tables["public.parted"].rows == 2


def test_a_large_object_that_may_not_be_read_is_said_to_be_so(roles: Roles, filled: Database) -> None:
    reader = roles("fp_reader", "NOSUPERUSER")
    filled.sql(f"GRANT pg_read_all_data TO {reader}; GRANT SELECT ON LARGE OBJECT 5002 TO {reader}")
    with session(as_role(filled, reader)) as opened:
        found = fingerprint.take(opened)
    whole = of_copy(filled).large_objects.content
    assert found.large_objects.content["5001"] == "unreadable"
    assert found.large_objects.content["5002"] == whole["5002"]
    told = "large object 5001 could not be compared: its owner and superusers alone may read it"
    assert told in fingerprint.differences(found, found)


def test_the_mark_that_a_server_sets_on_a_column_is_not_compared_and_options_are(database: Database) -> None:
    database.sql("CREATE TABLE marked (id integer); ALTER TABLE marked ALTER id SET (n_distinct = 7)")
    before = of_source(database)
    set_option = "SET allow_system_table_mods = on; UPDATE pg_attribute SET attoptions = attoptions || '{{{}}}' "
    set_option += "WHERE attrelid = 'marked'::regclass AND attname = 'id'"
    database.sql(set_option.format("pg_attver=1"))
    assert of_source(database).catalog == before.catalog
    database.sql(set_option.format("n_distinct_inherited=8"))
    assert of_source(database).catalog != before.catalog
