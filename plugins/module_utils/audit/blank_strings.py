# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A guess: texts that are empty or white space alone, where NULL may have been meant.

https://www.postgresql.org/docs/current/functions-string.html"""

from __future__ import annotations

from .finding import INFO
from .rule import DATA, TEXT, Rule, in_columns

RULE = Rule(
    name="blank_strings",
    severity=INFO,
    query=in_columns(TEXT, r"pg_catalog.btrim(%1$I::text, E' \t\r\n') = ''"),
    what="The column {0} holds blank texts: {count:,}.",
    remedy="If they mean that nothing is known, make them NULL.",
    scope=DATA,
    per_column=True,
)
