# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The structure that every form of the audit's report is made of."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import Finding
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.run import NAMES, Audit


def test_the_report_holds_what_was_found_as_plain_values() -> None:
    unseen = Finding("not_looked_at", "warning", "orphans public.t constraint f", "what", "remedy")
    found = Finding("r", "warning", "s", "what", "remedy", 3, ("1", "a…(4)"))
    report = Audit("app", {"public.t": 3}, (found, unseen), {"orphans": 1.5}, ("r",)).as_report()
    assert (report["database"], report["rows"]) == ("app", {"public.t": 3})
    assert report["findings"][0] == {
        "rule": "r",
        "severity": "warning",
        "subject": "s",
        "what": "what",
        "remedy": "remedy",
        "count": 3,
        "samples": ["1", "a…(4)"],
        "waived": "",
    }
    assert list(report["rules"]) == [*NAMES, "r"]
    assert report["rules"]["orphans"] == {"seconds": 1.5, "complete": False}
    assert report["rules"]["r"] == {"seconds": 0.0, "complete": True}
