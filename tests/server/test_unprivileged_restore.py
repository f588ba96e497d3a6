# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In a temporary instance the SQL of a backup has no rights of a superuser, unless it needs them and may have them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import instance, lone_archive
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.backup_support import dump
from ansible_collections.pgsafe.migration.tests.server.support import Database, as_nobody, back_up
from ansible_collections.pgsafe.migration.tests.server.test_foreign_scripts import inserted, readable_by_all
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that every user may write to."""
    with tempfile.TemporaryDirectory(prefix="pgs") as directory:
        Path(directory).chmod(0o1777)
        yield Path(directory)


def asked(database: Database, path: Path) -> lone_archive.ArchiveRequest:
    bin_dir = str(database.server.bin_dir)
    options = instance.Options(bin_dir, path.parent / "own")
    target = replace(database.target, bin_dir=bin_dir)
    return requests.archive(target, path, proof="temporary_instance", instance_options=options)


@contextmanager
def without_root(shared: Path) -> Iterator[None]:
    """As a user with a directory of its own, whose files the server of a temporary instance could reach."""
    readable_by_all(shared)
    shared.chmod(0o1777)
    with as_nobody():
        (shared / "own").mkdir(mode=0o700, exist_ok=True)
        yield


def trap(mark: Path) -> str:
    """A function that would run a program, and the roles whose rights it would like to have."""
    return f"""
CREATE FUNCTION public.spring() RETURNS void LANGUAGE plpgsql AS
$f$ BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch {mark}'''; END $f$;
CREATE FUNCTION public.trap(a int DEFAULT 1) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
$f$ BEGIN PERFORM public.spring(); RETURN 1; END $f$;
CREATE FUNCTION public.trigger_trap() RETURNS trigger LANGUAGE plpgsql AS
$f$ BEGIN PERFORM public.trap(); RETURN NEW; END $f$;
CREATE FUNCTION public.definer() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT public.trap()';
ALTER FUNCTION public.definer() OWNER TO postgres;
CREATE TABLE public.held (a int);
INSERT INTO public.held VALUES (1);
"""


ATTEMPTS = """
COPY public.held TO PROGRAM 'touch {mark}'
COPY public.held TO '{mark}'
COPY public.held FROM '/etc/passwd'
CREATE TABLE public.a (a int CHECK (public.trap() = 1)); INSERT INTO public.a VALUES (1)
CREATE DOMAIN public.d AS int CHECK (public.trap() = 1); SELECT 1::public.d
CREATE TABLE public.g (a int, b int GENERATED ALWAYS AS (public.trap(a)) STORED); INSERT INTO public.g VALUES (1)
CREATE TRIGGER t BEFORE INSERT ON public.held EXECUTE FUNCTION public.trigger_trap(); INSERT INTO public.held VALUES (2)
CREATE INDEX ON public.held ((public.trap(a)))
CREATE INDEX ON public.held (a) WHERE public.trap(a) = 1
CREATE MATERIALIZED VIEW public.m AS SELECT public.trap()
CREATE VIEW public.v AS SELECT public.trap() AS a; TABLE public.v
SELECT public.definer()
SELECT pg_read_file('/etc/passwd')
SELECT pg_read_binary_file('PG_VERSION')
SELECT pg_ls_dir('.')
SELECT lo_export(lo_from_bytea(0, 'x'), '{mark}')
SELECT lo_import('/etc/passwd')
CREATE FUNCTION public.c() RETURNS int LANGUAGE c AS '/bin/sh', 'x'
CREATE FUNCTION public.i() RETURNS int LANGUAGE internal AS 'pg_backend_pid'
CREATE TRUSTED LANGUAGE pl HANDLER plpgsql_call_handler
GRANT pg_execute_server_program TO CURRENT_USER
GRANT pg_write_server_files TO postgres
ALTER ROLE CURRENT_USER SUPERUSER
CREATE ROLE other SUPERUSER
SELECT set_config('session_preload_libraries', '/tmp/x', false)
LOAD '/tmp/x'
SET SESSION AUTHORIZATION {{admin}}
SET ROLE {{admin}}
SELECT pg_reload_conf()
UPDATE pg_catalog.pg_proc SET prosrc = 'x'
CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.trigger_trap()
CREATE CAST (int AS bytea) WITHOUT FUNCTION
"""

# What is refused otherwise than for a lacking right alone: there is no such function, or it may return no such type.
_REFUSED = "insufficient_privilege OR undefined_function OR invalid_object_definition"


def attempts(mark: Path) -> str:
    """Each in a block that fails unless the server refuses it for a lacking right."""
    blocks = [trap(mark)]
    for attempt in ATTEMPTS.format(mark=mark).strip().splitlines():
        text = attempt.replace("{admin}", "' || quote_ident((SELECT rolname FROM pg_roles WHERE oid = 10)) || '")
        steps = "".join(f"EXECUTE $x${step}$x$; " for step in text.split("; "))
        if "quote_ident" in text:
            steps = f"EXECUTE '{text}'; "
        blocks.append(
            f"DO $d$ BEGIN BEGIN {steps} EXCEPTION WHEN {_REFUSED} THEN RETURN; END;"
            f" RAISE 'not refused: %', $x${attempt}$x$; END $d$;\n"
        )
    return "SELECT pg_catalog.set_config('search_path', 'pg_catalog', false);\n" + "".join(blocks)


@pytest.mark.every_major
def test_the_sql_of_a_foreign_dump_reaches_neither_files_nor_programs(database: Database, shared: Path) -> None:
    mark = shared / "mark"
    path = dump(database, shared / "by_hand", "plain")
    path.write_bytes(inserted(path.read_bytes(), attempts(mark)))
    request = asked(database, path)
    with without_root(shared):
        verdict = lone_archive.run(request)
    assert (verdict.findings, mark.exists(), list((shared / "own").iterdir())) == ((), False, [])
    assert verdict.reached == "restore"
    assert not any("superuser" in note for note in verdict.notes)


def test_what_takes_a_superuser_is_named_and_restored_by_one_where_that_is_allowed(
    database: Database, shared: Path
) -> None:
    """The trap springs in the hands of a superuser, so the other tests show something."""
    mark = shared / "mark"
    path = dump(database, shared / "by_hand", "plain")
    triggers = "CREATE EVENT TRIGGER audit ON sql_drop EXECUTE FUNCTION public.nothing();\n"
    function = "CREATE FUNCTION public.nothing() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';\n"
    path.write_bytes(inserted(path.read_bytes(), f"{trap(mark)}{function}{triggers}SELECT public.definer();"))
    request = asked(database, path)
    with without_root(shared):
        with pytest.raises(Refused, match=r"only a superuser restores it.*: EVENT TRIGGER audit") as caught:
            lone_archive.run(request)
        assert not mark.exists()
        verdict = lone_archive.run(replace(request, trusted=True))
    assert "trusted: true" in caught.value.remedy
    assert (verdict.reached, verdict.findings, mark.exists()) == ("restore", (), True)
    assert any(note.endswith("no other role could: EVENT TRIGGER audit") for note in verdict.notes)


def test_a_right_that_is_lacking_is_told_as_the_reason_and_not_as_damage(database: Database, shared: Path) -> None:
    mark = shared / "mark"
    path = dump(database, shared / "by_hand", "plain")
    path.write_bytes(inserted(path.read_bytes(), f"{trap(mark)}SELECT public.trap();"))
    request = asked(database, path)
    denied = r"permission denied to COPY to or from an external program|must be superuser or have privileges"
    with without_root(shared), pytest.raises(Refused, match=denied):
        lone_archive.run(request)
    assert not mark.exists()


@pytest.mark.every_major
def test_a_backup_of_many_owners_is_restored_by_no_superuser(
    database: Database, backup_root: Path, place: Path
) -> None:
    """Its owners may not create where their objects are, policies hide its rows, its extension has a comment."""
    database.admin("DROP ROLE IF EXISTS holder; CREATE ROLE holder CREATEROLE; GRANT pg_read_server_files TO holder")
    database.sql(
        "CREATE SCHEMA apart; ALTER TABLE customers SET SCHEMA apart; ALTER TABLE apart.customers OWNER TO holder;"
        "ALTER TABLE apart.customers FORCE ROW LEVEL SECURITY; ALTER TABLE apart.customers ENABLE ROW LEVEL SECURITY;"
        "ALTER FUNCTION spent OWNER TO holder; CREATE TYPE apart.mood AS ENUM ('good');"
        "ALTER TYPE apart.mood OWNER TO holder;"
        "CREATE EXTENSION citext SCHEMA apart; COMMENT ON EXTENSION citext IS 'ours';"
        "CREATE TABLE words (a apart.citext);"
        "CREATE MATERIALIZED VIEW seen AS SELECT name FROM apart.customers;"
        "SELECT lo_from_bytea(4711, 'large'); ALTER LARGE OBJECT 4711 OWNER TO holder;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE holder GRANT SELECT ON TABLES TO PUBLIC;"
        "GRANT CREATE ON SCHEMA apart TO PUBLIC"
    )
    taken = back_up(database, backup_root).directory
    options = instance.Options(str(database.server.bin_dir), place)
    target = replace(database.target, params={"host": "/nonexistent"})
    verdict = verify.run(requests.verify(target, taken, proof="temporary_instance", instance_options=options))
    database.sql("DROP OWNED BY holder CASCADE")
    database.admin("DROP OWNED BY holder; DROP ROLE holder")
    assert (verdict.reached, verdict.findings, verdict.notes) == ("restore", (), ())
