# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of a migration's verification, for people and for programs; both of one structure.

Lines for people fit 80 columns wherever names and statements do, which are never broken.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...backup_set import manifest as manifests
from ...foreign_text import visible
from ...ports import files
from ...text import CROSS, RULE, TICK, duration, pairs, size, time

_WIDTH = 80
_INDENT = "  "
_FURTHER = "      "

# A longer name has a line of its own.
_NAME_WIDTH = 32

# More of one kind are a line in the report for programs alone.
_MOST_OBJECTS = 12

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def write(directory: Path, result: Mapping[str, Any]) -> files.Digest:
    """Both reports beside the backup; the digest of the one for programs.

    :raises FileFailed: the filesystem refused.
    """
    files.replace_text(directory / manifests.VERIFICATION_REPORT, text(result))
    return files.replace_text(directory / manifests.VERIFICATION_JSON, as_json(result))


def as_json(result: Mapping[str, Any]) -> str:
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def text(result: Mapping[str, Any]) -> str:
    """verification_report.txt."""
    lines = [RULE, f"Verification after the migration: {visible(result['database'])}", RULE]
    lines += pairs(
        [
            ("Time", time(result["time"])),
            ("Run", result["run_id"]),
            ("Verdict", "PASSED" if result["passed"] else "FAILED"),
        ]
    )
    lines += _wrapped(f"Promotion: {result['promotion']}", "", _INDENT) if result.get("promotion") else []
    for heading, found in _sections(result):
        lines += ["", heading, *found]
    return "\n".join([*lines, "", *next_steps(result), ""])


def _sections(result: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    yield "Problems", _points(CROSS, result["problems"]) or ["  none"]
    yield "Warnings", _points("[!]", result["warnings"]) or ["  none"]
    if result.get("files"):
        yield "Migration files", [line for file in result["files"] for line in _wrapped(_file(file))]
    if result.get("versions"):
        yield "Version, before and after", _points(TICK, map(_version, result["versions"]))
    yield "Rows per table, before and after", _tables(result["tables"]) or ["  no tables"]
    yield "Assertions", _assertions(result["assertions"]) or ["  none were declared"]
    yield "Audit, against the one before", _findings(result["findings"]) or ["  nothing new, nothing fixed"]
    yield "Objects (+ added, - removed, ~ changed)", list(_objects(result["objects"])) or ["  as before"]
    yield "Outside of the database", _points("~", result["outside"]) or ["  roles and tablespaces are as before"]
    if result["unanalysed"]:
        yield "Without statistics: the planner guesses until", _statements(result["unanalysed"])
    if result["kept_tables"]:
        yield "Old tables kept; when they are no longer needed", _kept(result["kept_tables"])


def _points(sign: str, sentences: Iterable[str]) -> list[str]:
    return [line for sentence in sentences for line in _wrapped(f"{sign} {sentence}")]


def _wrapped(line: str, indent: str = _INDENT, further: str = _FURTHER) -> list[str]:
    return textwrap.wrap(
        visible(line),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _file(file: Mapping[str, Any]) -> str:
    ran = "not run" if file["seconds"] is None else duration(file["seconds"])
    reason = f" ({file['reason']})" if file["reason"] else ""
    return f"{TICK} {file['name']}: {file['kind']}, {ran}{reason}"


def _version(change: Mapping[str, Any]) -> str:
    where = f" ({change['table']})" if change["table"] else ""
    after = "not read" if change["after"] is None else change["after"]
    return f"{change['tool']} {change['before']} -> {after}{where}".strip()


def _tables(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    width = min(_NAME_WIDTH, max([len(visible(row["table"])) for row in tables] or [0]))
    return [line for row in tables for line in _table(row, width)]


def _table(row: Mapping[str, Any], width: int) -> Iterator[str]:
    name = visible(row["table"])
    if len(name) > width:
        yield f"  {name}"
        name = ""
    declared = f" (declared: {row['expectation']})" if row["expectation"] else ""
    counts = f"  {name:<{width}}  {_count(row['before']):>11} -> {_count(row['after']):>11}"
    line = f"{counts}  {visible(row['verdict'] + declared)}"
    if len(line) <= _WIDTH:
        yield line
        return
    yield counts
    yield from _wrapped(row["verdict"] + declared, _FURTHER, _FURTHER)


def _count(rows: int | None) -> str:
    return "-" if rows is None else f"{rows:,}"


def _assertions(checked: Iterable[Mapping[str, Any]]) -> list[str]:
    return [line for check in checked for line in _assertion(check)]


def _assertion(check: Mapping[str, Any]) -> list[str]:
    if check["passed"]:
        return _wrapped(f"{TICK} {check['name']}")
    return _wrapped(f"{CROSS} {check['name']}: {check['said']}")


def _findings(deltas: Iterable[Mapping[str, Any]]) -> list[str]:
    return [line for delta in deltas for line in _wrapped(_finding(delta))]


def _finding(delta: Mapping[str, Any]) -> str:
    counts = f"{delta['before']:,} -> {delta['after']:,}"
    if delta["how"] == "fixed":
        return f"fixed: {delta['key']} ({counts})"
    return f"{delta['how']} [{delta['severity']}] ({counts}) {delta['what']} {delta['remedy']}".rstrip()


def _objects(objects: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for every object, or how many there are where there are many of one kind."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for change in objects:
        groups.setdefault((change["kind"], change["how"]), []).append(change)
    for (kind, how), changes in groups.items():
        for change in changes[:_MOST_OBJECTS]:
            facts = f": {', '.join(change['facts'])}" if change["facts"] else ""
            yield from _wrapped(f"{_SIGNS[how]} {kind} {change['name']}{facts}")
        if len(changes) > _MOST_OBJECTS:
            more = f"{_SIGNS[how]} {kind}: {len(changes) - _MOST_OBJECTS:,} more"
            yield from _wrapped(f"{more}, listed in {manifests.VERIFICATION_JSON}")


def _statements(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    return [f"  {visible(table['statement'])}" for table in tables]


def _kept(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    return [f"  {visible(table['statement'])}  -- {size(table['bytes'])}" for table in tables]


def next_steps(result: Mapping[str, Any]) -> list[str]:
    """What only people can do."""
    steps = ["Read this report, and compare the rows before and after."]
    if result["unanalysed"]:
        steps.append("Run the ANALYZE statements above.")
    steps += [
        "Test the application against the migrated database: screens, API and jobs.",
        "Inform its users that the maintenance is over.",
        "Watch its logs for 24 to 48 hours.",
        "Keep the backup for at least 7 days of successful operation.",
    ]
    if result["kept_tables"]:
        steps.append("Keep the *_old tables until all of this is done; then drop them as above.")
    return ["Left to people", *[line for step in steps for line in _wrapped(f"[ ] {step}")]]
