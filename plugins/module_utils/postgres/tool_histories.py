# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The histories that migration tools keep in a database: where they are, and the version that each holds.

The owner of a database can put anything where such a table is expected. So a history is read only when it is a plain
table whose reading runs no code of its owner; of any other the reason is given instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import QueryFailed
from ..ports.database import Session, identifier, statement

# More tables are not read: an application may keep a history in the schema of each tenant.
_MOST_TABLES = 20
_MOST_ROWS = 100

_COUNTED = "|| ' (' || pg_catalog.count(*) OVER () || ' applied)'"


@dataclass(frozen=True)
class Tool:
    """:param table: the name of its table, in any schema.
    :param columns: which tell the table from others of that name, and are all that is read.
    :param version: the query for its version, a text; a history of several heads has several rows.
    :param of_files: what it applies are SQL files, which this collection can take over.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    version: str
    of_files: bool = False


# The first one that a table fits is taken.
TOOLS = (
    # https://alembic.sqlalchemy.org/en/latest/api/runtime.html
    Tool("Alembic", "alembic_version", ("version_num",), "SELECT version_num FROM ONLY {table} ORDER BY 1"),
    # django.db.migrations.recorder.MigrationRecorder
    Tool(
        "Django",
        "django_migrations",
        ("id", "app", "name"),
        f"SELECT app || '.' || name {_COUNTED} FROM ONLY {{table}} ORDER BY id DESC LIMIT 1",
    ),
    # https://documentation.red-gate.com/fd/flyway-schema-history-table-273973417.html
    Tool(
        "Flyway",
        "flyway_schema_history",
        ("installed_rank", "version", "script", "success"),
        f"SELECT COALESCE(version, script) || CASE WHEN success THEN '' ELSE ' failed' END {_COUNTED}"
        "  FROM ONLY {table} ORDER BY installed_rank DESC LIMIT 1",
        of_files=True,
    ),
    # https://github.com/golang-migrate/migrate/tree/master/database/postgres
    Tool(
        "golang-migrate",
        "schema_migrations",
        ("version", "dirty"),
        "SELECT version || CASE WHEN dirty THEN ' dirty' ELSE '' END FROM ONLY {table}",
        of_files=True,
    ),
    # https://github.com/amacneil/dbmate, https://guides.rubyonrails.org/active_record_migrations.html
    Tool(
        "dbmate or Rails",
        "schema_migrations",
        ("version",),
        f"SELECT version {_COUNTED} FROM ONLY {{table}} ORDER BY version DESC LIMIT 1",
        of_files=True,
    ),
    # https://www.prisma.io/docs/orm/prisma-migrate/understanding-prisma-migrate/migration-histories
    Tool(
        "Prisma",
        "_prisma_migrations",
        ("migration_name", "started_at", "finished_at", "rolled_back_at"),
        f"SELECT migration_name {_COUNTED} FROM ONLY {{table}}"
        " WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL"
        " ORDER BY finished_at DESC, started_at DESC, migration_name DESC LIMIT 1",
    ),
    # https://sqitch.org/docs/manual/sqitchtutorial/
    Tool(
        "Sqitch",
        "changes",
        ("change_id", "change", "project", "committed_at"),
        "SELECT DISTINCT ON (project) project || ':' || change"
        " || ' (' || pg_catalog.count(*) OVER (PARTITION BY project) || ' applied)'"
        " FROM ONLY {table} ORDER BY project, committed_at DESC",
        of_files=True,
    ),
)

# Whether reading a table runs nothing: no view, rule, policy, partition, virtual column, expression that the planner
# evaluates, or type that is not PostgreSQL's own (see :mod:`owner_code`).
_PLAIN = """
c.relkind = 'r' AND NOT c.relhasrules AND NOT c.relrowsecurity AND NOT c.relispartition
AND NOT EXISTS (SELECT FROM pg_catalog.pg_index x
                 WHERE x.indrelid = c.oid AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL))
AND NOT EXISTS (SELECT FROM pg_catalog.pg_statistic_ext s WHERE s.stxrelid = c.oid)
AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   AND (a.attgenerated = 'v' OR a.atttypid >= 16384))
"""

# A view is found, too: to say nothing of it would look as if there were no history.
_TABLES = f"""
SELECT n.nspname, c.relname, pg_catalog.format('%%I.%%I', n.nspname, c.relname), {_PLAIN},
       ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY (%s::pg_catalog.text[])
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
 ORDER BY 1, 2
"""

# A view that takes the table's place behind the look at it is not read either. Minor releases from before
# https://www.postgresql.org/support/security/CVE-2024-7348/ do not know that setting.
_SETTINGS = """
SELECT pg_catalog.set_config(name, wanted, true)
  FROM (VALUES ('restrict_nonsystem_relation_kind', 'view, foreign-table'), ('statement_timeout', '10s'),
               ('lock_timeout', '2s')) AS s (setting, wanted)
  JOIN pg_catalog.pg_settings ON name = s.setting
"""

_VERSION = f"""
SELECT pg_catalog.left(v.version::pg_catalog.text, 200) FROM ({{query}}) AS v (version) LIMIT {_MOST_ROWS}
"""
_NOT_PLAIN = "it is not a plain table, so reading it may run code of its owner"


@dataclass(frozen=True)
class History:
    """Where a tool keeps its history.

    :param schema: of its table.
    :param table: the name of the table as it is written in SQL.
    :param plain: whether reading it runs no code of its owner.
    """

    tool: Tool
    schema: str
    table: str
    plain: bool

    def version(self, reader: Session) -> ToolVersion:
        """What it holds; a history that cannot be read, or must not be, says why.

        :raises ConnectionFailed: the session was lost.
        """
        try:
            with reader.transaction("READ ONLY"):
                return self._read(reader)
        except QueryFailed as error:
            return ToolVersion(self.tool.name, self.table, unread=error.what)

    def _read(self, reader: Session) -> ToolVersion:
        table = identifier(self.schema, self.tool.table)
        reader.execute(_SETTINGS)
        reader.execute(statement("LOCK TABLE ONLY {table} IN ACCESS SHARE MODE", table=table))
        if not self.plain or self not in found(reader):
            return ToolVersion(self.tool.name, self.table, unread=_NOT_PLAIN)
        rows = reader.rows(statement(_VERSION, query=statement(self.tool.version, table=table)))
        return ToolVersion(self.tool.name, self.table, tuple(str(version) for (version,) in rows))


@dataclass(frozen=True)
class ToolVersion:
    """The version that a history holds.

    :param tool: the name of the tool; empty where a query of the user's gave the version.
    :param table: where it keeps its history; empty likewise.
    :param versions: of all heads; empty where nothing was applied.
    :param unread: why the history was not read; empty where it was.
    """

    tool: str
    table: str
    versions: tuple[str, ...] = ()
    unread: str = ""

    @property
    def text(self) -> str:
        return f"not read ({self.unread})" if self.unread else ", ".join(self.versions) or "none"

    @property
    def told(self) -> str:
        where = f" ({self.table})" if self.table else ""
        return f"{self.tool} {self.text}{where}".strip()


def found(reader: Session) -> list[History]:
    """Every history of a known tool in the session's database, by the catalogs alone."""
    tables = reader.rows(_TABLES, ([tool.table for tool in TOOLS],))
    return [
        History(tool, schema, told, plain)
        for schema, table, told, plain, columns in tables
        for tool in _fitting(table, columns)
    ]


def _fitting(table: str, columns: list[str]) -> list[Tool]:
    return [tool for tool in TOOLS if tool.table == table and set(tool.columns) <= set(columns)][:1]


def versions(reader: Session) -> tuple[ToolVersion, ...]:
    """What each history holds.

    :raises ConnectionFailed: the session was lost.
    """
    return tuple(history.version(reader) for history in found(reader)[:_MOST_TABLES])


def of_files(reader: Session) -> tuple[tuple[str, str], ...]:
    """Tool and table of each history of SQL files whose reading runs no code of its owner."""
    return tuple((it.tool.name, it.table) for it in found(reader) if it.tool.of_files and it.plain)


def told(found_versions: tuple[ToolVersion, ...]) -> str:
    """In one line, for a person."""
    return "; ".join(version.told for version in found_versions) or "none"


@dataclass(frozen=True)
class VersionChange:
    """The version before a migration and after it.

    :param after: None when it was not read.
    """

    tool: str
    table: str
    before: str
    after: str | None

    @property
    def told(self) -> str:
        where = f" ({self.table})" if self.table else ""
        return f"{self.tool} {self.before} -> {self.after}{where}".strip()


def changes(before: tuple[ToolVersion, ...], after: tuple[ToolVersion, ...] | None) -> tuple[VersionChange, ...]:
    """A history that only one of them has is none in the other.

    :param after: None when it was not read.
    """
    then, now = ({(it.tool, it.table): it.text for it in side} for side in (before, after or ()))
    return tuple(
        VersionChange(*key, then.get(key, "none"), None if after is None else now.get(key, "none"))
        for key in dict.fromkeys([*then, *now])
    )


def unmoved(before: tuple[ToolVersion, ...], after: tuple[ToolVersion, ...] | None) -> bool:
    """Whether there is a history, and a migration has certainly moved none."""
    return bool(before) and before == after and not any(version.unread for version in before)
