# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Texts for people: the manifest, the reports, and the ticks of the console; each from one structure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .foreign_text import visible

if TYPE_CHECKING:
    from .backup_set.manifest import BackupFile, Manifest
    from .model import Fingerprint

TICK = "[✓]"
CROSS = "[✗]"
# Of what would be done; no tick.
FORESEEN = "[ ]"

DESCRIPTIONS = {
    "dump": "PostgreSQL custom format (primary)",
    "sql": "SQL text (fallback, readable, works across versions)",
    "globals": "roles and tablespaces of the server, without passwords",
    "report": "the audit before the migration",
    "manifest": "this description",
}

RULE = "=" * 78
_SCRATCH = "RESTORED_DATABASE"


def size(count: int) -> str:
    """Bytes as ``du -h`` writes them: 245M."""
    value = float(count)
    for unit in ("B", "K", "M", "G", "T"):
        if value < 1024 or unit == "T":
            return f"{value:.0f}{unit}" if value >= 10 or unit == "B" else f"{value:.1f}{unit}"
        value /= 1024
    raise AssertionError("not reached")


def counted(number: int, noun: str) -> str:
    """``1 table``, ``2 tables``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def first_few(texts: Sequence[str], most: int = 5) -> str:
    """``a, b`` or, of more than so many, ``a, b and 3 more``."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def duration(seconds: float) -> str:
    """Seconds as people say them: 4.2 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def manifest(of: Manifest) -> str:
    """manifest.txt: what this is, what is in it, and how it is restored by hand.

    Its text is a part of the format, since a verification renders it again from the manifest and compares.
    """
    return "\n".join(
        visible(line)
        for line in [
            RULE,
            "PostgreSQL backup, taken before a migration",
            RULE,
            *pairs(_manifest_facts(of)),
            "",
            "Files (SHA-256 of every one: SHA256SUMS)",
            *[line for file in of.files for line in _file_lines(file)],
            "",
            "Rows",
            *_rows_lines(of.fingerprint.rows),
            *_less_than_full(of.fingerprint),
            *_reported(of.fingerprint.reported),
            *_left_out(of.left_out),
            *_warnings(of.warnings),
            "",
            *_restore_instructions(of),
            "",
        ]
    )


def _manifest_facts(of: Manifest) -> list[tuple[str, str]]:
    archive = of.file("dump")
    return [
        ("Created", time(of.created)),
        ("Run", of.run_id),
        ("Type", of.backup_type),
        ("Database", of.source_url),
        ("Identity", f"system {of.identity.system_identifier}, OID {of.identity.oid}, timeline {of.identity.timeline}"),
        ("Server", f"PostgreSQL {of.server_version_text}"),
        ("Client tools", of.tools_version),
        ("Snapshot", f"write-ahead log at {of.snapshot_lsn}, held for {duration(of.seconds.get('snapshot_held', 0))}"),
        ("Database size", size(of.database_bytes)),
        ("Backup size", size(of.bytes)),
        ("SHA-256", f"{archive.sha256}  {archive.name}" if archive else "no archive"),
        ("Format", of.format_version),
        ("Compression", _compression(of.compression)),
        ("Fingerprint", f"{of.fingerprint.mode}, read in {duration(of.seconds.get('fingerprint', 0))} of all sessions"),
        ("A copy is", f"{equal(of.fingerprint.mode)}, when it was verified"),
        ("Secrets", "no password of a connection or a role; the data itself is here in full"),
    ]


def equal(mode: str) -> str:
    """What a comparison without a difference shows, by how closely the tables were read."""
    return {"full": "equal", "sampled": "equal as far as sampled", "counts": "equal in the number of rows"}[mode]


def _less_than_full(of: Fingerprint) -> list[str]:
    """Which tables were not read in full."""
    read = {f"{label}: {state.mode}" for label, state in of.tables.items() if state.mode != "full"}
    objects = of.large_objects.mode
    lines = sorted(read) + ([f"large objects: {objects}"] if objects != "full" else [])
    return ["", "Not read in full for the fingerprint", *[f"  {line}" for line in lines]] if lines else []


def _reported(reported: Mapping[str, str]) -> list[str]:
    if not reported:
        return []
    return [
        "",
        "Reported, not compared (a restore refills them)",
        *[f"  {name}: {text}" for name, text in reported.items()],
    ]


def _compression(facts: Mapping[str, Any]) -> str:
    doubt = "" if facts["content_checksum"] else "; its blocks carry no checksum: trust SHA256SUMS alone"
    return f"archive {facts['method']} level {facts['level']}{doubt}"


def time(stamp: str) -> str:
    """ISO 8601 as people write it."""
    return stamp.replace("T", " ").replace("Z", " UTC")


def _file_lines(file: BackupFile) -> list[str]:
    rows = f" ({file.rows:,} rows)" if file.rows is not None else ""
    return [f"  {size(file.size):>6}  {file.name}", f"          {file.description}{rows}"]


def _left_out(left_out: Mapping[str, str]) -> list[str]:
    if not left_out:
        return []
    return ["", "Without a CSV on purpose", *[f"  {label}: {reason}" for label, reason in sorted(left_out.items())]]


def _warnings(warnings: Sequence[str]) -> list[str]:
    return ["", "Warnings", *[f"  {warning}" for warning in warnings]] if warnings else []


def _restore_instructions(of: Manifest) -> list[str]:
    csv_file = next(iter(of.csv_files), None)
    lines = [
        "Restore by hand, from inside this directory, into a NEW database; never over a live one.",
        "Connection: PGHOST, PGPORT, PGUSER and PGPASSFILE (or PGPASSWORD) in the environment.",
        "",
        "0. Check the files:       sha256sum -c SHA256SUMS",
        f"   Make the database:     createdb -T template0 {_SCRATCH}",
        "1. From the archive:      pg_restore --exit-on-error --no-subscriptions -j 2 \\",
        f"                            -d {_SCRATCH} full_backup.dump",
        "2. Or from the script:    gunzip -c full_backup.sql.gz | \\",
        f"                            psql -X -1 -v ON_ERROR_STOP=1 -d {_SCRATCH}",
    ]
    if csv_file:
        lines += [
            "3. Or one table's rows, into an empty table of the same columns (psql command;",
            '   each file has its own in manifest.json under "load"):',
            f"   {csv_file.load}",
        ]
    return [*lines, "Afterwards:               vacuumdb --analyze-only -d " + _SCRATCH]


def _rows_lines(rows: Mapping[str, int]) -> list[str]:
    width = max([len(label) for label in rows] or [0])
    return [f"  {label:<{width}}  {count:>12,}" for label, count in rows.items()] or ["  no tables"]


def pairs(of: Iterable[tuple[str, str]]) -> list[str]:
    """A name and what it is a line, in columns."""
    listed: Sequence[tuple[str, str]] = list(of)
    width = max(len(name) for name, _value in listed)
    return [f"{name:<{width}}  {value}" for name, value in listed]
