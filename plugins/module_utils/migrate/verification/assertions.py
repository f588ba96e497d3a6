# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people assert of a migrated database: queries of theirs that must give true, a value, or no rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ... import arguments
from ...errors import BadRequest, ConnectionFailed, QueryFailed
from ...model import Target
from ...ports.database import Session, search_path_of, session
from .. import one_query

_DEFAULTS = arguments.defaults(arguments.VERIFICATION["assertions"]["options"])

# Not one row more than this is fetched of those that must not exist.
_MOST_ROWS = 1000

# A value that may be shown: anything else may be personal data.
_TELLS_NOBODY = re.compile(r"-?\d+(\.\d+)?|true|false|NULL")

# Their messages name objects and never quote a value; those of other classes may hold data.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_WITHOUT_DATA = ("0A", "25", "42", "57")
_CANCELED = "57014"


@dataclass(frozen=True)
class Assertion:
    """:param sql: one query.
    :param expected: the text of the one value that it must give; None where no row may come.
    :param time_limit: in seconds.
    """

    name: str
    sql: str
    expected: str | None
    time_limit: int


@dataclass(frozen=True)
class Checked:
    """:param said: what came instead of what was asserted; no row of anybody's."""

    name: str
    passed: bool
    said: str

    @property
    def problem(self) -> str:
        return "" if self.passed else f"The assertion {self.name!r} does not hold: {self.said}."


def typed(given: Sequence[Mapping[str, Any]]) -> tuple[Assertion, ...]:
    """The assertions of a task.

    :raises BadRequest: one is not one query, or two have one name.
    """
    found = tuple(_typed(entry) for entry in given)
    names = [assertion.name for assertion in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadRequest(f"Two assertions have the name {twice[0]!r}.")
    return found


def _typed(entry: Mapping[str, Any]) -> Assertion:
    name, none_of = str(entry["name"]), entry.get("rows_that_must_not_exist")
    value, expected = entry.get("sql"), entry.get("expected")
    if (value is None) == (none_of is None) or (none_of is not None and expected is not None):
        raise BadRequest(
            f"The assertion {name!r} needs either sql, which gives one value, or rows_that_must_not_exist.",
            remedy="expected goes with sql; without it the value must be true.",
        )
    limit = int(entry.get("time_limit") or _DEFAULTS["time_limit"])
    if limit < 1:
        raise BadRequest(f"The assertion {name!r} has a time_limit of {limit} s.", remedy="Give at least 1 s.")
    if none_of is not None:
        return Assertion(name, _one_query(name, str(none_of)), None, limit)
    return Assertion(name, _one_query(name, str(value)), _text(True if expected is None else expected), limit)


def _one_query(name: str, text: str) -> str:
    return one_query.of(text, f"The assertion {name!r}", "Write several assertions instead.")


def _text(value: Any) -> str:
    """A value as psql would show it in these settings."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "NULL" if value is None else str(value)


def check(target: Target, asserted: Sequence[Assertion], purpose: str) -> Iterator[Checked]:
    """Run every assertion, also after one that failed.

    :raises ConnectionFailed: the database cannot be reached at all.
    """
    path = search_path_of(target) if asserted else ""
    for assertion in asserted:
        with session(target, one_query.settings(assertion.time_limit), purpose) as reader:
            yield _checked(reader, assertion, path)


def _checked(reader: Session, assertion: Assertion, path: str) -> Checked:
    try:
        rows = one_query.rows(reader, assertion.sql, path, _MOST_ROWS + 1)
    except (QueryFailed, ConnectionFailed) as error:
        return Checked(assertion.name, False, _failed(error, assertion.time_limit))
    said = _none(len(rows)) if assertion.expected is None else _value(rows, assertion.expected)
    return Checked(assertion.name, not said, said)


def _none(count: int) -> str:
    if not count:
        return ""
    many = f"more than {_MOST_ROWS:,}" if count > _MOST_ROWS else f"{count:,}"
    return f"{many} rows exist that must not"


def _value(rows: Sequence[Sequence[Any]], expected: str) -> str:
    if len(rows) != 1 or len(rows[0]) != 1:
        return f"it returns {len(rows):,} rows of {len(rows[0]) if rows else 0} columns instead of one value"
    value = _text(rows[0][0])
    if value == expected:
        return ""
    return f"it is {value if _TELLS_NOBODY.fullmatch(value) else 'another value'} instead of {expected}"


def _failed(error: QueryFailed | ConnectionFailed, time_limit: int) -> str:
    what = error.what.rstrip(".")
    sqlstate = error.sqlstate if isinstance(error, QueryFailed) else ""
    if sqlstate == _CANCELED and "statement timeout" in what:
        return f"it took longer than its time_limit of {time_limit} s"
    if isinstance(error, ConnectionFailed) or sqlstate.startswith(_WITHOUT_DATA):
        return what
    return f"it failed with SQLSTATE {sqlstate} (the message is not shown, since it may contain data)"
