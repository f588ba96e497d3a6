# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet report as JUnit XML, by the names that Jenkins and GitLab read: a suite a batch, a case a database.

The texts of a report are visible ones, so that they hold nothing that no XML may hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from ..module_utils.journal.verdicts import Verdict
from . import fleet_words

_SUITE = "pgsafe.migration"

# The run could not be followed to its end: an error, where a failure is an end that is known and not good.
_ERRORS = (Verdict.UNREACHABLE, Verdict.UNKNOWN, Verdict.UNFINISHED)


def xml(report: Mapping[str, Any]) -> str:
    hosts = report["hosts"]
    suites = ET.Element("testsuites", {"name": _SUITE, **_counts(hosts), "time": _seconds(report["seconds"])})
    for batch in dict.fromkeys(one["batch"] for one in hosts):
        _suite(suites, batch, [one for one in hosts if one["batch"] == batch], report["began"])
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _suite(suites: ET.Element, batch: int | None, hosts: Sequence[Mapping[str, Any]], began: str) -> None:
    name = f"{_SUITE}: batch {batch}" if batch else f"{_SUITE}: not reached"
    time = _seconds(max((one["seconds"] or 0.0 for one in hosts), default=0.0))
    suite = ET.SubElement(suites, "testsuite", {"name": name, **_counts(hosts), "time": time})
    suite.set("timestamp", began.rstrip("Z"))
    for one in hosts:
        _case(suite, one)


def _case(suite: ET.Element, one: Mapping[str, Any]) -> None:
    name = f"{one['host']}: {one['database']}" if one["database"] else one["host"]
    about = {"classname": _SUITE, "name": name, "time": _seconds(one["seconds"] or 0.0)}
    case = ET.SubElement(suite, "testcase", about)
    outcome = _outcome(one)
    if outcome:
        told = ET.SubElement(case, outcome, {"message": one["told"], "type": one["verdict"]})
        told.text = "\n".join([*one["reasons"], *one["next"]])
    facts = [f"{name}: {value}" for name, value in fleet_words.cells(one).items()]
    waited = [
        f"{name.capitalize()}: predicted {foreseen}, was {was}, in all {in_all}"
        for name, foreseen, was, in_all in fleet_words.waiting(one)
    ]
    ET.SubElement(case, "system-out").text = "\n".join([*facts, *waited])


def _outcome(one: Mapping[str, Any]) -> str:
    """The element of a case; empty for one that has passed."""
    if one["well"]:
        return ""
    if one["verdict"] == Verdict.NOT_REACHED:
        return "skipped"
    return "error" if one["verdict"] in _ERRORS else "failure"


def _counts(hosts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found = [_outcome(one) for one in hosts]
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return {"tests": str(len(hosts)), **{name: str(found.count(kind)) for name, kind in kinds.items()}}


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}"
