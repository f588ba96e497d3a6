# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A guess: values in a column with a name like phone without 6 to 15 digits, or with other characters.

https://www.itu.int/rec/T-REC-E.164"""

from __future__ import annotations

from .finding import INFO
from .rule import DATA, TEXT, Rule, in_columns

RULE = Rule(
    name="malformed_phones",
    severity=INFO,
    query=in_columns(
        rf"{TEXT} AND a.attname::text ~* '(^|_)(tele)?(phone|mobile|fax|msisdn)(_?(number|num|no))?$'",
        r"pg_catalog.btrim(%1$I::text) <> '' AND %1$I::text !~ '^\s*\+?[(]?([0-9][-. ()/]*){6,15}\s*$'",
    ),
    what="The column {0} has values that are not telephone numbers: {count:,}.",
    remedy="If they are meant to be, fix them before a constraint forbids them.",
    scope=DATA,
    per_column=True,
)
