# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's rules, in the order of the report. A rule is a file here, a line below, a test, a line in docs."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.audit import invalid_indexes, not_valid_constraints
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.rule import Rule

RULES: tuple[Rule, ...] = (invalid_indexes.RULE, not_valid_constraints.RULE)
