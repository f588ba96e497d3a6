# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of a migration's verification, for people and for programs; both of one structure.

Lines for people fit 80 columns wherever names and statements do, which are never broken.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ... import prediction
from ...backup_set import manifest as manifests
from ...foreign_text import visible
from ...journal.applied_files import Applying
from ...ports import files
from ...postgres.tool_histories import VersionChange
from ...prediction import Prediction, Waited
from ...text import CROSS, RULE, TICK, duration, pairs, size, time
from .assertions import Checked
from .audit_deltas import Delta
from .expectations import TableChange
from .inventory import ObjectChange
from .leftovers import KeptTable, Unanalysed
from .result import Verification, VerificationReport

_WIDTH = 80
_INDENT = "  "
_FURTHER = "      "

# A longer name has a line of its own.
_NAME_WIDTH = 32

# More of one kind are a line in the report for programs alone.
_MOST_OBJECTS = 12

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def write(directory: Path, report: VerificationReport) -> files.Digest:
    """Both reports beside the backup; the digest of the one for programs.

    :raises FileFailed: the filesystem refused.
    """
    write_for_people(directory, report)
    return files.replace_text(directory / manifests.VERIFICATION_JSON, as_json(report))


def write_for_people(directory: Path, report: VerificationReport) -> None:
    """The report for people alone.

    :raises FileFailed: the filesystem refused.
    """
    files.replace_text(directory / manifests.VERIFICATION_REPORT, text(report))


def as_json(report: VerificationReport) -> str:
    return json.dumps(report.as_result(), indent=2, ensure_ascii=False) + "\n"


def text(report: VerificationReport) -> str:
    """verification_report.txt."""
    lines = [RULE, f"Verification after the migration: {visible(report.database)}", RULE]
    lines += pairs(
        [
            ("Time", time(report.time)),
            ("Run", report.run_id),
            ("Verdict", "PASSED" if report.found.passed else "FAILED"),
        ]
    )
    lines += _wrapped(f"Promotion: {report.promotion}", "", _INDENT) if report.promotion else []
    for heading, found in _sections(report, report.found):
        lines += ["", heading, *found]
    return "\n".join([*lines, "", *next_steps(report.found), ""])


def _sections(report: VerificationReport, found: Verification) -> Iterator[tuple[str, list[str]]]:
    yield "Problems", _points(CROSS, found.problems) or ["  none"]
    yield "Warnings", _points("[!]", found.warnings) or ["  none"]
    if report.waited:
        yield "How long clients waited, predicted and actual", _indented(waiting(report.predicted, report.waited))
    if report.files:
        yield "Migration files", [line for file in report.files for line in _wrapped(_file(file))]
    if report.versions:
        yield "Version, before and after", _points(TICK, map(_version, report.versions))
    yield "Rows per table, before and after", _tables(found.tables) or ["  no tables"]
    yield "Assertions", _assertions(found.checked) or ["  none were declared"]
    yield "Audit, against the one before", _findings(found.deltas) or ["  nothing new, nothing fixed"]
    yield "Objects (+ added, - removed, ~ changed)", list(_objects(found.objects)) or ["  as before"]
    yield "Outside of the database", _points("~", found.outside) or ["  roles and tablespaces are as before"]
    if found.unanalysed:
        yield "Tables without statistics; run", _statements(found.unanalysed)
    if found.kept:
        yield "Old tables kept; when they are no longer needed", _kept(found.kept)


def waiting(predicted: Prediction | None, waited: Waited) -> list[str]:
    """A table of both figures, and where the prediction came from."""
    rows = [("", "predicted", "was", "in all"), *prediction.compared(predicted, waited)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows]
    basis = f"Fence {predicted.kind}, predicted by: {predicted.basis or 'nothing'}. " if predicted else ""
    return [*lines, *_wrapped(f"{basis}Not predicted: {waited.unforeseen}.", "", "")]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"{_INDENT}{line}" for line in lines]


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


def _file(file: Applying) -> str:
    ran = "not run" if file.seconds is None else duration(file.seconds)
    reason = f" ({file.reason})" if file.reason else ""
    return f"{TICK} {file.name}: {file.kind}, {ran}{reason}"


def _version(change: VersionChange) -> str:
    where = f" ({change.table})" if change.table else ""
    after = "not read" if change.after is None else change.after
    return f"{change.tool} {change.before} -> {after}{where}".strip()


def _tables(tables: Sequence[TableChange]) -> list[str]:
    width = min(_NAME_WIDTH, max([len(visible(row.table)) for row in tables] or [0]))
    return [line for row in tables for line in _table(row, width)]


def _table(row: TableChange, width: int) -> Iterator[str]:
    name = visible(row.table)
    if len(name) > width:
        yield f"  {name}"
        name = ""
    declared = f" (declared: {row.expectation})" if row.expectation else ""
    counts = f"  {name:<{width}}  {_count(row.before):>11} -> {_count(row.after):>11}"
    line = f"{counts}  {visible(row.verdict + declared)}"
    if len(line) <= _WIDTH:
        yield line
        return
    yield counts
    yield from _wrapped(row.verdict + declared, _FURTHER, _FURTHER)


def _count(rows: int | None) -> str:
    return "-" if rows is None else f"{rows:,}"


def _assertions(checked: Iterable[Checked]) -> list[str]:
    return [line for check in checked for line in _assertion(check)]


def _assertion(check: Checked) -> list[str]:
    if check.passed:
        return _wrapped(f"{TICK} {check.name}")
    return _wrapped(f"{CROSS} {check.name}: {check.said}")


def _findings(deltas: Iterable[Delta]) -> list[str]:
    return [line for delta in deltas for line in _wrapped(_finding(delta))]


def _finding(delta: Delta) -> str:
    counts = f"{delta.before:,} -> {delta.after:,}"
    if delta.how == "fixed":
        return f"fixed: {delta.key} ({counts})"
    return f"{delta.how} [{delta.severity}] ({counts}) {delta.what} {delta.remedy}".rstrip()


def _objects(objects: Sequence[ObjectChange]) -> Iterator[str]:
    """A line for every object, or how many there are where there are many of one kind."""
    groups: dict[tuple[str, str], list[ObjectChange]] = {}
    for change in objects:
        groups.setdefault((change.kind, change.how), []).append(change)
    for (kind, how), changes in groups.items():
        for change in changes[:_MOST_OBJECTS]:
            facts = f": {', '.join(change.facts)}" if change.facts else ""
            yield from _wrapped(f"{_SIGNS[how]} {kind} {change.name}{facts}")
        if len(changes) > _MOST_OBJECTS:
            more = f"{_SIGNS[how]} {kind}: {len(changes) - _MOST_OBJECTS:,} more"
            yield from _wrapped(f"{more}, listed in {manifests.VERIFICATION_JSON}")


def _statements(tables: Iterable[Unanalysed]) -> list[str]:
    return [f"  {visible(table.statement)}" for table in tables]


def _kept(tables: Iterable[KeptTable]) -> list[str]:
    return [f"  {visible(table.statement)}  -- {size(table.bytes)}" for table in tables]


def next_steps(found: Verification) -> list[str]:
    """What only people can do."""
    steps = ["Read this report, and compare the rows before and after."]
    if found.unanalysed:
        steps.append("Run the ANALYZE statements above.")
    steps += [
        "Test the application against the migrated database: screens, API and jobs.",
        "Inform its users that the maintenance is over.",
        "Watch its logs for 24 to 48 hours.",
        "Keep the backup for at least 7 days of successful operation.",
    ]
    if found.kept:
        steps.append("Keep the *_old tables until all of this is done; then drop them as above.")
    return ["What is left to do", *[line for step in steps for line in _wrapped(f"[ ] {step}")]]
