# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit finds the dirt that was planted, all of it and nothing else; what it calls an error does not restore."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import run as audit
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.registry import RULES
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import audit_report
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server import audit_dirt, audit_schemas
from ansible_collections.pgsafe.migration.tests.server.audit_dirt import Dirt
from ansible_collections.pgsafe.migration.tests.server.audit_support import audited, counts, reader_sees
from ansible_collections.pgsafe.migration.tests.server.support import Database
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver


@pytest.mark.every_server
def test_dirt_of_every_kind_in_the_sample_is_found_exactly(sample: Database) -> None:
    before = counts(audited(sample))
    major = sample.server.installation.major
    sample.sql(audit_dirt.script(major))
    found = audited(sample)
    added = {key: count for key, count in counts(found).items() if before.get(key) != count}
    assert added == audit_dirt.expected(major)
    # as many sessions as one, in the order of the registry
    assert reader_sees(sample) == counts(found)
    severities = {finding.key: finding.severity for finding in found.findings}
    assert severities["not_looked_at duplicates dirt.apart index apart_circles"] == "info"
    assert severities["not_looked_at check_violations dirt.by_path constraint by_path_check"] == "error"


def test_of_offending_rows_nothing_but_masked_keys_is_told(sample: Database) -> None:
    sample.sql(audit_dirt.script(sample.server.installation.major))
    report = audited(sample).report
    samples = {finding.key: list(finding.samples) for finding in report.findings}
    assert samples["orphans dirt.simple constraint simple_pair"] == ["(1, s…(6))", "(2, x…(1))"]
    assert samples["orphans dirt.complete constraint complete_pair"] == ["(1, null)", "(3, x…(1))"]
    assert samples["duplicates dirt.names index names_lower"] == ["(a…(4), 0)", "(b…(4), 0)"]
    assert samples["check_violations dirt.younger constraint kin_fine"] == ["row (0,2)"]
    assert samples["blank_strings dirt.people.note"] == []
    told = json.dumps(report.as_result()) + audit_report.text(report)
    assert not [word for word in ("secret", "nobody at home", "ask me", "very bad", "Anna") if word in told]


def test_a_rule_without_dirt_of_its_kind_has_a_test_of_its_own() -> None:
    planted = {key.split(" ")[0] for key in audit_dirt.expected(99)}
    assert {rule.name for rule in RULES} - planted == {"collations", "database_collation"}


def _collation(database: Database) -> str:
    """One that has a version on this server."""
    return database.sql(
        "SELECT quote_ident(collname) FROM pg_collation WHERE pg_collation_actual_version(oid) IS NOT NULL"
        " ORDER BY collname LIMIT 1"
    )


@pytest.mark.every_major
def test_a_collation_of_another_version_is_found_where_it_is_used(database: Database) -> None:
    name = _collation(database)
    database.sql(f"UPDATE pg_collation SET collversion = '0.1' WHERE quote_ident(collname) = $${name}$$")
    assert [key for key in counts(audited(database)) if "collation" in key] == []
    database.sql(f"CREATE TABLE sorted (id text COLLATE {name} PRIMARY KEY)")
    found = audited(database)
    assert [finding.key for finding in found.findings if finding.severity != "info"] == [
        f"collations pg_catalog.{name}"
    ]


@pytest.mark.every_major
def test_a_database_whose_collation_has_another_version_is_found(database: Database) -> None:
    provider = "icu ICU_LOCALE 'en'" if database.server.installation.major < 17 else "builtin BUILTIN_LOCALE 'C.UTF-8'"
    database.admin(f"CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER {provider}")
    other = database.called("sorted")
    assert audited(other).findings == ()
    database.admin("UPDATE pg_database SET datcollversion = '0.1' WHERE datname = 'sorted'")
    assert counts(audited(other)) == {"database_collation sorted": 1}


@pytest.mark.every_major
def test_the_clean_sample_has_no_error_and_no_warning(sample: Database) -> None:
    found = audited(sample)
    assert counts(found) == {
        'blank_strings "Meetings & More"."Attendance = 100%"."weird ""quoted"" name"': 18,
        "blank_strings public.community_members.bio": 4,
        "blank_strings public.community_members.nickname": 37,
        "blank_strings public.event_registrations.note": 80,
        "blank_strings public.messages.body": 22,
    }
    assert {finding.severity for finding in found.findings} == {"info"}
    assert sum(found.rows.values()) == 12_857


@pytest.mark.every_major
@pytest.mark.parametrize(
    "make", [audit_schemas.rental, audit_schemas.pgbench, audit_schemas.django], ids=lambda make: make.__name__
)
def test_a_schema_that_many_people_know_has_no_error_and_no_warning(
    server: pgserver.Server, clone: Callable[[str], Database], make: Callable[[Database], None]
) -> None:
    database = clone("template0")
    make(database)
    found = audited(database)
    assert len(found.rows) >= 4
    assert sum(found.rows.values()) > 50
    assert [finding.key for finding in found.findings if finding.severity != "info"] == []


def _refused_and_unrestorable(database: Database, backup_root: Path, dirt: Dirt) -> None:
    database.sql(dirt.sql)
    found = audited(database)
    assert {finding.key: finding.count for finding in found.blocking} == dirt.found
    taken = backup.run(requests.backup(database.target, backup_root, audit=found.report))
    verdict = verify.run(requests.verify(database.target, taken.directory, "restore"))
    assert verdict.reached == "decode"
    assert verdict.findings != ()
    # what the manifest notes is what the audit has found
    assert taken.manifest.findings == counts(found)


@pytest.mark.every_major
def test_orphans_under_a_valid_composite_key_are_refused_and_the_same_backup_fails_level_restore(
    database: Database, backup_root: Path
) -> None:
    _refused_and_unrestorable(database, backup_root, audit_dirt.UNRESTORABLE["orphans under a valid composite key"])


@pytest.mark.parametrize("kind", list(audit_dirt.UNRESTORABLE)[1:])
def test_whatever_else_the_audit_calls_an_error_fails_level_restore_too(
    database: Database, backup_root: Path, kind: str
) -> None:
    _refused_and_unrestorable(database, backup_root, audit_dirt.UNRESTORABLE[kind])


def test_rows_are_read_and_counted_as_they_are_where_the_planner_would_rather_read_a_corrupt_index(
    database: Database,
) -> None:
    dirt = audit_dirt.UNRESTORABLE["duplicates that the index does not know"]
    database.sql(dirt.sql)
    database.admin(f"ALTER DATABASE {database.name} SET seq_page_cost = 1000000")
    assert database.sql("SELECT count(*) FROM keyed") == "1"
    found = audited(database)
    assert {finding.key: finding.count for finding in found.blocking} == dirt.found
    assert found.rows["public.keyed"] == 2


def test_a_backup_without_an_audit_says_that_nothing_is_known_of_the_rows(
    database: Database, backup_root: Path
) -> None:
    taken = backup.run(requests.backup(database.target, backup_root))
    keyless = {'no_primary_key "Odd Schema"."Odd ""T"" x"': 1, "no_primary_key public.empty_one": 1}
    assert taken.manifest.findings == {"not_looked_at data": 1, **keyless}


@pytest.mark.every_major
def test_what_the_audit_only_warns_of_restores(database: Database, backup_root: Path) -> None:
    major = database.server.installation.major
    dirt = [*audit_dirt.NOT_VALID, *audit_dirt.OBJECTS[2:], *audit_dirt.GUESSES]
    planted = [dirty.sql for dirty in dirt if dirty.since <= major]
    database.sql(";\n".join(["CREATE SCHEMA dirt; CREATE TABLE dirt.one (id integer PRIMARY KEY)", *planted]))
    found = audited(database)
    assert found.blocking == ()
    assert [finding for finding in found.findings if finding.severity == "warning"] != []
    taken = backup.run(requests.backup(database.target, backup_root, audit=found.report))
    verdict = verify.run(requests.verify(database.target, taken.directory, "restore"))
    assert (verdict.reached, verdict.findings) == ("restore", ())


def test_the_findings_of_a_session_are_by_default_those_of_the_catalogs(database: Database) -> None:
    database.sql("ALTER TABLE customers ADD CONSTRAINT named CHECK (name > 'o') NOT VALID")
    with session(database.target) as reader:
        rules = {finding.rule for finding in audit.findings(reader)}
        assert rules == {"not_valid_constraints", "no_primary_key"}
        assert not reader.in_transaction
