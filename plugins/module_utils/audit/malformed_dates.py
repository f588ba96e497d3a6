# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A guess: values in a column with a name like date that are not dates such as 2026-11-25, 25.11.2026 or 11/25/2026.

https://www.postgresql.org/docs/current/datatype-datetime.html"""

from __future__ import annotations

from .finding import INFO
from .rule import DATA, TEXT, Rule, in_columns

_YEAR, _MONTH, _DAY = "[0-9]{4}", "(0?[1-9]|1[0-2])", "(0?[1-9]|[12][0-9]|3[01])"
_FORMS = (
    f"{_YEAR}-{_MONTH}-{_DAY}([T ].*)?",
    rf"{_DAY}\.{_MONTH}\.{_YEAR}",
    f"({_MONTH}/{_DAY}|{_DAY}/{_MONTH})/{_YEAR}",
)

RULE = Rule(
    name="malformed_dates",
    severity=INFO,
    query=in_columns(
        rf"{TEXT} AND a.attname::text ~* '(^|_)(date|day|dob|birthday|birthdate)$|_at$'",
        rf"pg_catalog.btrim(%1$I::text) <> '' AND %1$I::text !~ '^({'|'.join(_FORMS)})$'",
    ),
    what="The column {0} has values that are not dates: {count:,}.",
    remedy="If they are meant to be dates, fix them before the column gets a date type.",
    scope=DATA,
    per_column=True,
)
