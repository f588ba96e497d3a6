# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A guess: values in a column with a name like email that are not e-mail addresses.

https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2"""

from __future__ import annotations

from .finding import INFO
from .rule import DATA, TEXT, Rule, in_columns

RULE = Rule(
    name="malformed_emails",
    severity=INFO,
    query=in_columns(
        rf"{TEXT} AND a.attname::text ~* '(^|_)e?mail(_?addr(ess)?)?$'",
        r"pg_catalog.btrim(%1$I::text) <> '' AND %1$I::text !~ '^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$'",
    ),
    what="The column {0} has values that are not e-mail addresses: {count:,}.",
    remedy="If they are meant to be, fix them before a constraint forbids them.",
    scope=DATA,
    per_column=True,
)
