# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Argument lists of PostgreSQL's client tools and parsers of what they say; pure functions, and no secret in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PROGRAMS = ("pg_dump", "pg_restore", "psql", "pg_dumpall")

# The first minor of each major whose psql has \restrict (CVE-2025-8714); every later major has it.
_RESTRICTING = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6}

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")
_SEQUENCE_SET = re.compile(r"\d+; \d+ \d+ SEQUENCE SET ")
_VIEW_DATA = re.compile(r"\d+; \d+ \d+ MATERIALIZED VIEW DATA ")
_WITHOUT_ROWS = re.compile(
    r"\d+; \d+ \d+ (?!(?:TABLE DATA|MATERIALIZED VIEW DATA|BLOB|BLOBS|BLOB METADATA|LARGE OBJECT|STATISTICS DATA|"
    r"EVENT TRIGGER|PUBLICATION|PUBLICATION TABLE|PUBLICATION TABLES IN SCHEMA|SUBSCRIPTION|SUBSCRIPTION TABLE) )"
)
_SCHEMA = re.compile(r"\d+; 2615 \d+ SCHEMA ")
_EXTENSION = re.compile(r"\d+; 3079 \d+ EXTENSION - (.+?) *$")
_ENCODING = re.compile(r"^SET client_encoding = '(\w+)';$", re.MULTILINE)
_SETVAL = re.compile(r"^SELECT pg_catalog\.setval\('((?:[^']|'')+)', (-?\d+), (true|false)\);$", re.MULTILINE)


@dataclass(frozen=True)
class Tools:
    """The client tools of one major.

    :param paths: by program name.
    """

    major: int
    version: str
    paths: dict[str, str]

    def __getitem__(self, program: str) -> str:
        return self.paths[program]


def parse_version(text: str) -> tuple[int, str]:
    """Major and full version from ``pg_dump (PostgreSQL) 15.18 (Debian …)``; (0, "") for anything else."""
    found = _VERSION.search(text)
    if not found:
        return 0, ""
    return int(found.group(1)), ".".join(part for part in found.groups() if part)


def restricts(tools: Tools) -> bool:
    """Whether psql can be kept from obeying the backslash commands of a script."""
    minor = tools.version.partition(".")[2]
    return tools.major > max(_RESTRICTING) or int(minor or 0) >= _RESTRICTING.get(tools.major, 1 << 16)


def directories(bin_dir: str | None, major: int, path: str) -> list[str]:
    """Where the tools of a major may be: the option alone, or the distributions' places and PATH."""
    if bin_dir:
        return [bin_dir]
    return [
        f"/usr/lib/postgresql/{major}/bin",
        f"/usr/pgsql-{major}/bin",
        f"/usr/lib/postgresql{major}/bin",
        f"/opt/homebrew/opt/postgresql@{major}/bin",
        *[entry for entry in path.split(":") if entry],
    ]


def dump_archive(tools: Tools, file: str, snapshot: str, compress: str, lock_wait: float) -> tuple[str, ...]:
    """pg_dump into a custom-format archive; https://www.postgresql.org/docs/current/app-pgdump.html

    :param compress: the value of ``--compress``: a level, or since PostgreSQL 16 ``method:level``.
    :param lock_wait: seconds to wait for its locks; clients that need a table for themselves queue behind it meanwhile.
    """
    return dump_stream(tools, snapshot, compress, lock_wait, f"--file={file}")


def dump_stream(tools: Tools, snapshot: str, compress: str, lock_wait: float, *options: str) -> tuple[str, ...]:
    """As :func:`dump_archive`, to its standard output."""
    return (
        tools["pg_dump"],
        "--format=custom",
        f"--compress={compress}",
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={int(lock_wait * 1000)}",
        *options,
        "--no-password",
    )


def rows_of(relations: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Options of pg_dump for the rows of some tables, by schema and name."""
    return ("--data-only", *[f"--table={_pattern(relation)}" for relation in relations])


def rows_of_others(relations: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Options of pg_dump for all rows but those of some tables. It takes no lock on these: of views and functions that
    name them, whose definitions would, it reads none."""
    return ("--data-only", *[f"--exclude-table={_pattern(relation)}" for relation in relations])


def _pattern(names: Iterable[str]) -> str:
    """A pattern of pg_dump's that matches one object."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def compression(method: str, level: int, major: int) -> str:
    """The value of pg_dump's ``--compress``; methods by name are known since 16."""
    if method == "none":
        return "0"
    return str(level) if method == "gzip" else f"{method}:{level}" if major >= 16 else ""


def script_of_archive(tools: Tools, archive: str, *options: str) -> tuple[str, ...]:
    """pg_restore that prints the archive as an SQL script, decoding every block of it."""
    return (tools["pg_restore"], "--file=-", *options, archive)


def list_of_archive(tools: Tools, archive: str) -> tuple[str, ...]:
    return (tools["pg_restore"], "--list", archive)


def entries_of_archive(tools: Tools, archive: str, list_file: str) -> tuple[str, ...]:
    return (tools["pg_restore"], f"--use-list={list_file}", "--file=-", archive)


def restore_archive(
    tools: Tools, archive: str, dbname: str, jobs: int, list_file: str | None = None
) -> tuple[str, ...]:
    """pg_restore into an empty database; https://www.postgresql.org/docs/current/app-pgrestore.html

    Subscriptions stay out: a copy with the same slot could drop the publisher's.

    :param list_file: the entries to restore; None for all.
    """
    return (
        tools["pg_restore"],
        "--exit-on-error",
        "--no-subscriptions",
        *([f"--use-list={list_file}"] if list_file else []),
        f"--jobs={jobs}",
        f"--dbname={conninfo(dbname)}",
        "--no-password",
        archive,
    )


def run_script(
    tools: Tools, files: Sequence[str], single_transaction: bool, statements: Sequence[str] = ()
) -> tuple[str, ...]:
    """psql that stops at the first error; ``-`` among the files is standard input.

    https://www.postgresql.org/docs/current/app-psql.html
    """
    return (
        tools["psql"],
        "--no-psqlrc",
        "--no-password",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        *(["--single-transaction"] if single_transaction else []),
        *[f"--file={file}" for file in files],
        *[f"--command={statement}" for statement in statements],
    )


def run_file(
    tools: Tools, file: str, single_transaction: bool, before: Sequence[str], behind: Sequence[str]
) -> tuple[str, ...]:
    """psql that runs a file between two lists of commands, all in one session, and in one transaction if asked."""
    start = run_script(tools, [], single_transaction, before)
    return (*start, f"--file={file}", *[f"--command={command}" for command in behind])


def dump_nothing(tools: Tools) -> tuple[str, ...]:
    """pg_dump of an empty database to its standard output, to see whether it gets in."""
    return (tools["pg_dump"], "--format=custom", "--no-password")


def restore_nothing(tools: Tools, dbname: str) -> tuple[str, ...]:
    """pg_restore of that from its standard input; no row is in it, and nothing but rows is restored."""
    return (tools["pg_restore"], "--section=data", f"--dbname={conninfo(dbname)}", "--no-password")


def globals_only(tools: Tools, maintenance_db: str) -> tuple[str, ...]:
    return (
        tools["pg_dumpall"],
        "--globals-only",
        "--no-role-passwords",
        "--no-password",
        f"--database={conninfo(maintenance_db)}",
    )


def new_cluster(initdb: str, data: str, superuser: str, password_file: str) -> tuple[str, ...]:
    """A cluster that nothing but a test will rely on; https://www.postgresql.org/docs/current/app-initdb.html"""
    return (
        initdb,
        f"--pgdata={data}",
        f"--username={superuser}",
        "--auth=scram-sha-256",
        f"--pwfile={password_file}",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
        "--no-instructions",
    )


def serve(postgres: str, data: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    """A server in the foreground; https://www.postgresql.org/docs/current/app-postgres.html"""
    return (postgres, "-D", data, *[word for name, value in settings.items() for word in ("-c", f"{name}={value}")])


def stop_cluster(pg_ctl: str, data: str) -> tuple[str, ...]:
    return (pg_ctl, "stop", f"--pgdata={data}", "--mode=immediate", "--wait")


def conninfo(dbname: str) -> str:
    """A connection string that can only name a database, for a name of any characters."""
    escaped = dbname.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"


def sequence_entries(listing: str) -> str:
    """The lines of ``pg_restore --list`` that set sequences, as a list for ``--use-list``."""
    return "".join(f"{line}\n" for line in listing.splitlines() if _SEQUENCE_SET.match(line))


def schema_entries(listing: str) -> tuple[str, str]:
    """``pg_restore --list`` as two lists for ``--use-list``: of the entries that make schemas, and of all others."""
    lines = [f"{line}\n" for line in listing.splitlines()]
    return (
        "".join(line for line in lines if _SCHEMA.match(line)),
        "".join(line for line in lines if not _SCHEMA.match(line)),
    )


def view_entries(listing: str) -> tuple[tuple[str, ...], str]:
    """``pg_restore --list``: each entry that fills a materialized view, and the list of all others."""
    lines = [f"{line}\n" for line in listing.splitlines()]
    return (
        tuple(line for line in lines if _VIEW_DATA.match(line)),
        "".join(line for line in lines if not _VIEW_DATA.match(line)),
    )


def entries_without_rows(listing: str) -> str:
    """The lines of ``pg_restore --list`` but those of content, and of what acts beyond its own tables."""
    return "".join(f"{line}\n" for line in listing.splitlines() if _WITHOUT_ROWS.match(line))


def entries_of_rows(listing: str, tables: Iterable[tuple[str, str]]) -> str:
    """The lines of ``pg_restore --list`` that hold the rows of these tables, by schema and name.

    The list writes names as they are, and a line feed as a space: other tables may be among the lines.
    """
    starts = tuple(" TABLE DATA {} {} ".format(*(_in_list(name) for name in table)) for table in tables)
    return "".join(f"{line}\n" for line in listing.splitlines() if any(start in line for start in starts))


def _in_list(name: str) -> str:
    return name.replace("\r", " ").replace("\n", " ")


def dump_schema(tools: Tools, schema: str, section: str) -> tuple[str, ...]:
    """pg_dump of one section of one schema as an SQL script to its standard output.

    :param section: ``pre-data`` or ``post-data``.
    """
    return (tools["pg_dump"], f"--schema={_pattern([schema])}", f"--section={section}", "--no-password")


def extension_names(listing: str) -> tuple[str, ...]:
    """The extensions of ``pg_restore --list``, in its order: each after those that it requires."""
    return tuple(found.group(1) for found in map(_EXTENSION.match, listing.splitlines()) if found)


def sequence_values(script: str) -> dict[str, str]:
    """Sequence states from ``setval`` lines: label (unquoted) to ``value,t`` or ``value,f``."""
    found: Iterable[re.Match[str]] = _SETVAL.finditer(script)
    return {label(match.group(1).replace("''", "'")): f"{match.group(2)},{match.group(3)[0]}" for match in found}


def encoding_of_script(script: str) -> str:
    """What the head of a plain dump says of its encoding, such as ``LATIN1``."""
    found = _ENCODING.search(script)
    return found.group(1) if found else "UTF8"


def label(qualified: str) -> str:
    """``"Meetings & More"."a""b"`` as the plain label ``Meetings & More.a"b``."""
    parts = re.findall(r'"((?:[^"]|"")*)"|([^."]+)', qualified)
    return ".".join((quoted.replace('""', '"') if quoted else bare) for quoted, bare in parts)


def complete_script(tail: str) -> bool:
    """Whether the end of a plain dump shows its end marker; minors since 2025 put ``\\unrestrict`` behind it."""
    return "-- PostgreSQL database dump complete" in tail.splitlines()[-10:]
