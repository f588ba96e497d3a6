# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Argument lists, and what the client tools of PostgreSQL 14 to 18 say, as recorded."""

from __future__ import annotations

import re

import psycopg2.extensions
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import pg_tools
from hypothesis import given
from hypothesis import strategies as st

TOOLS = pg_tools.Tools(15, "15.18", {program: f"/pg/{program}" for program in pg_tools.PROGRAMS})
NAME = st.text(st.characters(min_codepoint=1, blacklist_categories=["Cs"]), min_size=1, max_size=30)

LISTING = """\
;
; Archive created at 2026-11-16 14:30:22 UTC
;     dbname: app
;     TOC Entries: 14
;     Compression: gzip
;     Dump Version: 1.15-0
;     Format: CUSTOM
;
; Selected TOC Entries:
;
215; 1259 16386 TABLE public members postgres
214; 1259 16385 SEQUENCE public members_id_seq postgres
3330; 0 0 SEQUENCE OWNED BY public members_id_seq postgres
216; 1259 16400 TABLE public a SEQUENCE SET b postgres
3323; 0 16386 TABLE DATA public members postgres
3331; 0 0 SEQUENCE SET public members_id_seq postgres
3332; 0 0 SEQUENCE SET Meetings & More 7 o'clock postgres
"""

SETVALS = """\
SET standard_conforming_strings = on;

--
-- Name: members_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.members_id_seq', 12857, true);


SELECT pg_catalog.setval('"Meetings & More"."7 o''clock"', 1, false);
SELECT pg_catalog.setval('public."down.under"', -5, true);
"""


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("pg_dump (PostgreSQL) 14.19 (Ubuntu 14.19-0ubuntu0.22.04.1)\n", (14, "14.19")),
        ("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", (15, "15.18")),
        ("pg_dump (PostgreSQL) 16.9\n", (16, "16.9")),
        ("pg_dump (PostgreSQL) 17.5 (Homebrew)\n", (17, "17.5")),
        ("pg_dump (PostgreSQL) 18.6\n", (18, "18.6")),
        ("pg_dump (PostgreSQL) 18beta1\n", (18, "18")),
        ("pg_dump (PostgreSQL) 9.6.24\n", (9, "9.6")),
        ("Error: You must install at least one postgresql-client-<version> package\n", (0, "")),
        ("", (0, "")),
    ],
)
def test_a_version_is_read_from_what_each_major_says(said: str, found: tuple[int, str]) -> None:
    assert pg_tools.parse_version(said) == found


def test_a_directory_that_was_named_is_the_only_place() -> None:
    assert pg_tools.directories("/mine", 15, "/usr/bin") == ["/mine"]


def test_the_distributions_places_go_before_the_path() -> None:
    found = pg_tools.directories(None, 16, "/usr/local/bin::/usr/bin")
    assert found[-2:] == ["/usr/local/bin", "/usr/bin"]
    assert {"/usr/lib/postgresql/16/bin", "/usr/pgsql-16/bin"} < set(found[:-2])


def test_an_archive_is_dumped_of_the_snapshot_with_the_level() -> None:
    assert pg_tools.dump_archive(TOOLS, "/b/x.partial", "00000003-1", "1", 0.5) == (
        "/pg/pg_dump",
        "--format=custom",
        "--compress=1",
        "--snapshot=00000003-1",
        "--lock-wait-timeout=500",
        "--file=/b/x.partial",
        "--no-password",
    )


def test_rows_of_some_tables_are_dumped_by_their_exact_names() -> None:
    names = [("public", "queue"), ('odd ".$', "St*ge")]
    assert pg_tools.rows_of(names) == ("--data-only", '--table="public"."queue"', '--table="odd "".$"."St*ge"')
    others = pg_tools.rows_of_others(names)
    assert others == ("--data-only", '--exclude-table="public"."queue"', '--exclude-table="odd "".$"."St*ge"')
    assert pg_tools.dump_stream(TOOLS, "00000003-1", "1", 0.5, *others)[-4:] == (*others, "--no-password")


@pytest.mark.parametrize(
    ("method", "major", "value"),
    [
        ("gzip", 14, "3"),
        ("gzip", 18, "3"),
        ("none", 15, "0"),
        ("zstd", 16, "zstd:3"),
        ("lz4", 18, "lz4:3"),
        ("zstd", 15, ""),
    ],
)
def test_a_compression_by_name_is_known_since_16(method: str, major: int, value: str) -> None:
    assert pg_tools.compression(method, 3, major) == value


def test_an_archive_is_restored_without_subscriptions_and_ends_at_the_first_error() -> None:
    argv = pg_tools.restore_archive(TOOLS, "/b/full_backup.dump", "it's", 4)
    assert {"--exit-on-error", "--no-subscriptions", "--jobs=4", "--no-password"} < set(argv)
    assert argv[0] == "/pg/pg_restore"
    assert argv[-1] == "/b/full_backup.dump"


def test_a_script_ends_at_its_first_error_and_reads_no_psqlrc() -> None:
    argv = pg_tools.run_script(TOOLS, ["-"], single_transaction=True)
    assert {"--no-psqlrc", "--set=ON_ERROR_STOP=1", "--single-transaction", "--no-password"} < set(argv)
    assert argv[-1] == "--file=-"


def test_statements_run_behind_the_files_and_in_their_order() -> None:
    argv = pg_tools.run_script(TOOLS, ["a.sql", "b.sql"], single_transaction=False, statements=["SELECT 1", "SELECT 2"])
    assert argv[-4:] == ("--file=a.sql", "--file=b.sql", "--command=SELECT 1", "--command=SELECT 2")
    assert "--single-transaction" not in argv


def test_globals_are_dumped_without_the_passwords_of_roles() -> None:
    argv = pg_tools.globals_only(TOOLS, "postgres")
    assert argv[:4] == ("/pg/pg_dumpall", "--globals-only", "--no-role-passwords", "--no-password")
    assert "--database=dbname='postgres'" in argv


def test_reading_an_archive_needs_no_connection() -> None:
    assert pg_tools.list_of_archive(TOOLS, "/b/x") == ("/pg/pg_restore", "--list", "/b/x")
    assert pg_tools.script_of_archive(TOOLS, "/b/x") == ("/pg/pg_restore", "--file=-", "/b/x")
    assert pg_tools.entries_of_archive(TOOLS, "/b/x", "/l") == ("/pg/pg_restore", "--use-list=/l", "--file=-", "/b/x")


@given(NAME)
def test_a_connection_string_names_the_database_and_nothing_else(dbname: str) -> None:
    assert psycopg2.extensions.parse_dsn(pg_tools.conninfo(dbname)) == {"dbname": dbname}


def test_only_the_entries_that_set_sequences_are_chosen() -> None:
    assert pg_tools.sequence_entries(LISTING) == (
        "3331; 0 0 SEQUENCE SET public members_id_seq postgres\n"
        "3332; 0 0 SEQUENCE SET Meetings & More 7 o'clock postgres\n"
    )


def test_sequence_values_are_read_by_their_unquoted_label() -> None:
    assert pg_tools.sequence_values(SETVALS) == {
        "public.members_id_seq": "12857,t",
        "Meetings & More.7 o'clock": "1,f",
        "public.down.under": "-5,t",
    }


def _quote_ident(name: str) -> str:
    """As quote_ident of PostgreSQL writes a name."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'


@given(NAME, NAME)
def test_a_label_is_the_quoted_name_without_its_quotes(schema: str, name: str) -> None:
    assert pg_tools.label(f"{_quote_ident(schema)}.{_quote_ident(name)}") == f"{schema}.{name}"


@given(NAME, NAME, st.integers(-(2**63), 2**63 - 1), st.booleans())
def test_a_sequence_of_any_name_is_found_in_a_script(schema: str, name: str, value: int, called: bool) -> None:
    qualified = f"{_quote_ident(schema)}.{_quote_ident(name)}".replace("'", "''")
    script = f"\nSELECT pg_catalog.setval('{qualified}', {value}, {str(called).lower()});\n\n"
    assert pg_tools.sequence_values(script) == {f"{schema}.{name}": f"{value},{'t' if called else 'f'}"}


@pytest.mark.parametrize(
    "tail",
    [
        # 14 to 17, and all majors before the minors of August 2025
        "--\n-- PostgreSQL database dump complete\n--\n\n",
        # since 14.19, 15.14, 16.10, 17.6 and 18
        "--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict 9rhKzUTbRcMmSPUiGcA7zvhDJq7vC2jEUQ1zdGWMhFvw\n\n",
    ],
)
def test_the_end_marker_of_each_major_is_seen(tail: str) -> None:
    assert pg_tools.complete_script(f"ALTER TABLE x;\n\n{tail}")


@pytest.mark.parametrize(
    "tail",
    [
        "ALTER TABLE ONLY public.members\n    ADD CONST",
        "--\n-- PostgreSQL database dump compl",
        "-- PostgreSQL database dump complete\n" + "INSERT INTO x VALUES (1);\n" * 11,
        "",
    ],
)
def test_a_script_that_was_cut_is_not_complete(tail: str) -> None:
    assert not pg_tools.complete_script(tail)


ARCHIVE_LISTING = """;
; Archive created at 2026-11-24 03:37:35 UTC
;
10; 2615 16618 SCHEMA - EXTENSION odd postgres
9; 2615 16384 SCHEMA - ext postgres
2742; 0 0 COMMENT - SCHEMA ext postgres
2743; 0 0 ACL - SCHEMA ext postgres
3; 3079 16508 EXTENSION - cube\x20
2744; 0 0 COMMENT - EXTENSION cube\x20
4; 3079 16597 EXTENSION - uuid-ossp\x20
224; 1259 16613 TABLE ext SCHEMA - x postgres
2745; 0 16620 MATERIALIZED VIEW DATA public far postgres
"""


def test_a_listing_is_parted_into_schemas_and_the_rest() -> None:
    schemas, rest = pg_tools.schema_entries(ARCHIVE_LISTING)
    assert [line.split(";")[0] for line in schemas.splitlines()] == ["10", "9"]
    assert sorted((schemas + rest).splitlines()) == sorted(ARCHIVE_LISTING.splitlines())
    assert "3; 3079 16508 EXTENSION - cube" in rest


def test_what_fills_materialized_views_is_parted_from_a_listing() -> None:
    (view,), rest = pg_tools.view_entries(ARCHIVE_LISTING)
    assert view == "2745; 0 16620 MATERIALIZED VIEW DATA public far postgres\n"
    assert rest.splitlines() == [line for line in ARCHIVE_LISTING.splitlines() if f"{line}\n" != view]


def test_the_extensions_of_a_listing_keep_their_order() -> None:
    assert pg_tools.extension_names(ARCHIVE_LISTING) == ("cube", "uuid-ossp")


@pytest.mark.parametrize(
    ("major", "version", "restricts"),
    [(12, "12.22", False), (15, "15.13", False), (15, "15.14", True), (17, "17.5", False), (18, "18", True)],
)
def test_a_psql_of_before_august_2025_cannot_be_restricted(major: int, version: str, restricts: bool) -> None:
    assert pg_tools.restricts(pg_tools.Tools(major, version, {})) == restricts
