# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The user's own rules: SQL that gives offending rows, with a name, a severity and how many may be expected."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ..errors import BadRequest
from .finding import NOT_LOOKED_AT, SEVERITIES, WARNING

_HEADER = re.compile(r"--\s*(name|severity|max|remedy)\s*:\s*(.*?)\s*")


@dataclass(frozen=True)
class OwnRule:
    """:param sql: one query; each of its rows offends, and its first column is the row's key.
    :param most: so many rows are expected; more of them are a finding.
    """

    name: str
    sql: str
    severity: str = WARNING
    most: int = 0
    remedy: str = ""

    @property
    def query(self) -> str:
        """The SQL as it can stand in parentheses: without the comments around it and the semicolon it ends with."""
        lines = self.sql.lstrip("\ufeff").splitlines()
        while lines and _says_nothing(lines[0]):
            lines.pop(0)
        while lines and _says_nothing(lines[-1]):
            lines.pop()
        return "\n".join(lines).rstrip("; \t\r\n")


def _says_nothing(line: str) -> bool:
    return not line.strip("; \t\r") or line.startswith("--")


def own_rules(given: Collection[Mapping[str, Any]], taken: Collection[str]) -> tuple[OwnRule, ...]:
    """The rules of a module's options.

    :param given: with name, file, sql, severity, max and remedy; what is not given may stand in the comments that the
        SQL begins with, as ``-- severity: error``.
    :param taken: the names of our own rules.
    :raises BadRequest: one of them cannot be used, or two have the same name.
    """
    rules: list[OwnRule] = []
    used = {NOT_LOOKED_AT, *taken}
    for options in given:
        rules.append(_rule(options))
        if rules[-1].name in used:
            raise _wrong(rules[-1].name, "has the name of a rule that exists already", "Give it a name of its own.")
        used.add(rules[-1].name)
    return tuple(rules)


def _rule(options: Mapping[str, Any]) -> OwnRule:
    sql = str(options.get("sql") or "")
    file = str(options.get("file") or "")
    said = {
        "name": PurePath(file).stem,
        **header(sql),
        **{name: value for name, value in options.items() if value not in (None, "")},
    }
    name, severity = str(said.get("name", "")), str(said.get("severity", WARNING))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        wrong = "may be named by letters, digits, '_', '-' and '.' alone" if name else "has no name"
        raise _wrong(name, wrong, "Rename it." if name else "Give it one.")
    if severity not in SEVERITIES:
        raise _wrong(name, f"has the severity {severity!r}", f"Choose one of {', '.join(SEVERITIES)}.")
    if not str(said.get("max", 0)).isdecimal():
        raise _wrong(name, f"expects {said['max']!r} rows at most", "Write a number that is not negative.")
    rule = OwnRule(name, sql, severity, int(said.get("max", 0)), str(said.get("remedy", "")))
    if not rule.query:
        raise _wrong(name, "has no SQL", "Write a query that gives the offending rows.")
    return rule


def _wrong(name: str, how: str, remedy: str) -> BadRequest:
    return BadRequest(f"The audit rule {name or '(no name)'} {how}.", remedy=remedy)


def header(sql: str) -> dict[str, str]:
    """What the comments say that a query begins with."""
    said: dict[str, str] = {}
    for line in sql.splitlines():
        if not line.strip():
            continue
        if not line.startswith("--"):
            break
        if found := _HEADER.fullmatch(line):
            said[found[1]] = found[2]
    return said
