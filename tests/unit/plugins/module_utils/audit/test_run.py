# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The structure that every form of the audit's report is made of."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import Finding
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.report import RuleReading
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.run import NAMES, Audit


def test_the_report_says_of_each_rule_whether_it_is_complete() -> None:
    unseen = Finding("not_looked_at", "warning", "orphans public.t constraint f", "what", "remedy")
    found = Finding("r", "warning", "s", "what", "remedy", 3, ("1", "a…(4)"))
    report = Audit("app", {"public.t": 3}, (found, unseen), {"orphans": 1.5}, ("r",)).report
    assert (report.database, report.rows, report.findings) == ("app", {"public.t": 3}, (found, unseen))
    assert list(report.rules) == [*NAMES, "r"]
    assert report.rules["orphans"] == RuleReading(1.5, complete=False)
    assert report.rules["r"] == RuleReading(0.0, complete=True)
