# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's rules, in the order of the report. A rule is a file here, a line below, a test, a line in docs."""

from __future__ import annotations

from . import (
    blank_strings,
    check_violations,
    collations,
    database_collation,
    disabled_triggers,
    domain_violations,
    duplicates,
    guessed_foreign_keys,
    invalid_indexes,
    malformed_dates,
    malformed_emails,
    malformed_phones,
    nearly_not_null,
    no_primary_key,
    not_valid_constraints,
    not_valid_rows,
    orphans,
    sequences_behind,
    sequences_near_end,
)
from .rule import Rule

RULES: tuple[Rule, ...] = (
    orphans.RULE,
    duplicates.RULE,
    check_violations.RULE,
    domain_violations.RULE,
    not_valid_constraints.RULE,
    not_valid_rows.RULE,
    invalid_indexes.RULE,
    disabled_triggers.RULE,
    sequences_behind.RULE,
    sequences_near_end.RULE,
    database_collation.RULE,
    collations.RULE,
    no_primary_key.RULE,
    guessed_foreign_keys.RULE,
    nearly_not_null.RULE,
    blank_strings.RULE,
    malformed_emails.RULE,
    malformed_phones.RULE,
    malformed_dates.RULE,
)
