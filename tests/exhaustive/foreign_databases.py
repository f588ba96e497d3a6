# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Public databases, loaded as their projects load them, and what one holds by means that share nothing with the
collection."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.pgsafe.migration.tests.exhaustive import foreign_sources
from ansible_collections.pgsafe.migration.tests.server.fingerprint_support import round_trip
from ansible_collections.pgsafe.migration.tests.server.support import Database

import pgserver

LOADING_SECONDS = 600


@dataclass(frozen=True)
class Foreign:
    """
    :param load: creates and fills the database of that name; the directory can be read by the server's user.
    :param tables: how many there are at least; fewer mean that the loading failed.
    :param altered: a table for a migration to alter.
    :param waived: checks of the preflight whose errors are waived, and the reason.
    :param exceptions: patterns of what a rollback does not give back.
    """

    name: str
    load: Callable[[pgserver.Server, Path], None]
    tables: int
    altered: str
    waived: Mapping[str, str] = field(default_factory=dict)
    exceptions: tuple[str, ...] = ()


def _psql(server: pgserver.Server, database: str, files: list[Path], **variables: str) -> None:
    """Feeds files to psql as their projects do: an error ends a statement, not the file."""
    env = {**pgserver.clean_environment(), **server.environment(), "PGDATABASE": database, **variables}
    for file in files:
        with file.open("rb") as text:
            subprocess.run(
                [str(server.bin_dir / "psql"), "-X", "-q"],
                stdin=text,
                env=env,
                cwd=variables.get("PG_ABS_BUILDDIR", "/"),
                capture_output=True,
                timeout=LOADING_SECONDS,
                check=False,
            )


# As pg_regress sets them: src/test/regress/pg_regress.c, initialize_environment() and create_database().
_REGRESSION_SETTINGS = (
    "lc_messages = 'C'",
    "lc_monetary = 'C'",
    "lc_numeric = 'C'",
    "lc_time = 'C'",
    "bytea_output = 'hex'",
    "timezone_abbreviations = 'Default'",
)


def _load_regression(server: pgserver.Server, place: Path) -> None:
    source = place / "regress"
    shutil.copytree(foreign_sources.regression_files(server.psql("SHOW server_version").split()[0]), source)
    (source / "results").mkdir(exist_ok=True)
    (source / "results").chmod(0o777)
    server.psql("CREATE DATABASE regression TEMPLATE template0 LOCALE 'C'")
    for setting in _REGRESSION_SETTINGS:
        server.psql(f"ALTER DATABASE regression SET {setting}")
    groups = re.findall(r"^test: (.+)$", (source / "parallel_schedule").read_text(), re.MULTILINE)
    _psql(
        server,
        "regression",
        [source / "sql" / f"{test}.sql" for group in groups for test in group.split()],
        PGTZ="America/Los_Angeles",
        PGDATESTYLE="Postgres, MDY",
        PG_ABS_SRCDIR=str(source),
        PG_ABS_BUILDDIR=str(source),
        PG_LIBDIR=str(source),
        PG_DLSUFFIX=".so",
    )


_MUSICBRAINZ_SCHEMAS = (
    "musicbrainz cover_art_archive documentation event_art_archive report statistics wikidocs sitemaps json_dump"
)
# The order of admin/InitDb.pl of MusicBrainz.
_MUSICBRAINZ_FILES = """
Extensions CreateSearchConfiguration CreateTypes CreateTables
caa/CreateTables documentation/CreateTables eaa/CreateTables json_dump/CreateTables report/CreateTables
sitemaps/CreateTables statistics/CreateTables wikidocs/CreateTables InsertDefaultRows InsertTestData
CreatePrimaryKeys caa/CreatePrimaryKeys documentation/CreatePrimaryKeys eaa/CreatePrimaryKeys
json_dump/CreatePrimaryKeys statistics/CreatePrimaryKeys wikidocs/CreatePrimaryKeys
CreateFunctions caa/CreateFunctions eaa/CreateFunctions
CreateIndexes caa/CreateIndexes eaa/CreateIndexes json_dump/CreateIndexes sitemaps/CreateIndexes
statistics/CreateIndexes
CreateFKConstraints caa/CreateFKConstraints documentation/CreateFKConstraints eaa/CreateFKConstraints
sitemaps/CreateFKConstraints CreateConstraints SetSequences CreateViews caa/CreateViews eaa/CreateViews
CreateTriggers caa/CreateTriggers eaa/CreateTriggers CreateSearchIndexes
"""


def _load_musicbrainz(server: pgserver.Server, _place: Path) -> None:
    source = foreign_sources.musicbrainz_files()
    server.psql("CREATE DATABASE musicbrainz TEMPLATE template0 ENCODING 'UTF8'")
    server.psql("".join(f"CREATE SCHEMA {name};" for name in _MUSICBRAINZ_SCHEMAS.split()), "musicbrainz")
    # Its own collation is one of ICU, which not every server was built with.
    server.psql('CREATE COLLATION musicbrainz.musicbrainz FROM "C"', "musicbrainz")
    files = [source / f"{name}.sql" for name in _MUSICBRAINZ_FILES.split()]
    _psql(server, "musicbrainz", files, PGOPTIONS="-c search_path=musicbrainz,public")


def _load_zabbix(server: pgserver.Server, place: Path) -> None:
    source = foreign_sources.zabbix_files()
    server.psql("CREATE DATABASE zabbix TEMPLATE template0")
    files = []
    for name in ("schema", "images", "data"):
        files.append(place / f"{name}.sql")
        files[-1].write_bytes(gzip.decompress((source / f"{name}.sql.gz").read_bytes()))
    _psql(server, "zabbix", files)


REGRESSION = Foreign(
    "regression",
    _load_regression,
    tables=300,
    altered="public.onek",
    waived={
        "not_dumped": "the tests add operators to families of the system, which no dump carries",
        "inherited_columns": "the tests add columns to parents, and a dump has those before the children's own",
    },
    # Partitions have their own foreign key, and a name of their own for it, which no dump says.
    exceptions=(
        r"^table constraint \w+_fkey\w* on [\w.]+ is (lost|new)$",
        # NOT NULL that is inherited from several parents, or merged with a partition's own.
        r"^table constraint \w+ on public\.(constr_child3|notnull_part1_3_upg) is (lost|new)$",
    ),
)
MUSICBRAINZ = Foreign("musicbrainz", _load_musicbrainz, tables=400, altered="musicbrainz.artist")
ZABBIX = Foreign("zabbix", _load_zabbix, tables=150, altered="public.items")


@dataclass(frozen=True)
class Held:
    """What a database holds.

    :param objects: their kinds and names, by the server.
    :param rows: number and digest by table; the columns in the order of their names, the rows in that of their text.
    :param settings: of the database itself.
    :param dump: the lines of a dump of a copy of it, sorted.
    """

    objects: frozenset[str]
    rows: Mapping[str, str]
    settings: str
    dump: tuple[str, ...]


_CATALOGS = """
pg_am pg_attrdef pg_cast pg_class pg_collation pg_constraint pg_conversion pg_event_trigger pg_extension
pg_foreign_data_wrapper pg_foreign_server pg_language pg_namespace pg_opclass pg_operator pg_opfamily pg_policy
pg_proc pg_publication pg_publication_rel pg_rewrite pg_statistic_ext pg_transform pg_trigger pg_ts_config pg_ts_dict
pg_ts_parser pg_ts_template pg_type pg_user_mapping
"""
_OBJECTS = " UNION ALL ".join(
    f"SELECT i.type || ' ' || i.identity AS object FROM {catalog} c, "
    f"pg_identify_object('{catalog}'::regclass, c.oid, 0) i WHERE c.oid >= 16384"
    # What the drop of a negator leaves behind is no operator, and in no dump.
    + (" AND c.oprcode <> 0" if catalog == "pg_operator" else "")
    for catalog in _CATALOGS.split()
)
_NAMED_BY_OID = re.compile(r"pg_toast|pg_temp_|_ConstraintTrigger_\w*\d")
# Each table for itself, a partitioned one with its partitions: a row of a hash partition may move.
_TABLES = """
SELECT c.oid::regclass::text, CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY' END,
       (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attname) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
   AND n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', 'pgsafe'])
"""
_ROWS = """
SELECT count(*) || ' ' || COALESCE(md5(string_agg(line, E'\\n' ORDER BY line COLLATE "C")), '')
  FROM (SELECT ROW({columns})::text AS line FROM {only} {table}) AS rows
"""
_SETTINGS = """
SELECT (SELECT string_agg(r.setrole || ' ' || setting, ', ' ORDER BY r.setrole, setting)
          FROM pg_db_role_setting r, unnest(r.setconfig) AS setting WHERE r.setdatabase = d.oid),
       to_jsonb(d) - ARRAY['oid', 'datfrozenxid', 'datminmxid'], shobj_description(d.oid, 'pg_database')
  FROM pg_database d WHERE d.datname = current_database()
"""


def held(database: Database) -> Held:
    """A copy is made for the time of the call."""
    with closing(database.connect("looker")) as connection, connection.cursor() as cursor:
        cursor.execute("SET search_path = pg_catalog")
        cursor.execute(_OBJECTS)
        objects = frozenset(row[0] for row in cursor.fetchall() if not _NAMED_BY_OID.search(row[0]))
        cursor.execute(_TABLES)
        rows = {}
        for table, only, columns in cursor.fetchall():
            cursor.execute(_ROWS.format(table=table, only=only, columns=columns or ""))
            ((rows[table],),) = cursor.fetchall()
        cursor.execute(_SETTINGS)
        settings = str(cursor.fetchone())
    return Held(objects, rows, settings, _dumped(round_trip(database, f"{database.name}_copy")))


def _dumped(copy: Database) -> tuple[str, ...]:
    """What pg_dump says of a copy, which is dropped: two copies of one database are of one generation."""
    env = {**os.environ, **copy.server.environment()}
    dump = [str(copy.server.bin_dir / "pg_dump"), "--exclude-schema=pgsafe", copy.name]
    text = subprocess.run(dump, env=env, stdout=subprocess.PIPE, check=True).stdout.decode("utf-8", "surrogateescape")
    copy.admin(f"DROP DATABASE {copy.name} WITH (FORCE)")
    # Each dump has a key of its own for psql's restricted mode.
    return tuple(sorted(line for line in text.splitlines() if not re.match(r"\\(un)?restrict ", line)))
