# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""JUnit XML, by the names that Jenkins and GitLab read."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ansible_collections.pgsafe.migration.plugins.plugin_utils import fleet_junit
from ansible_collections.pgsafe.migration.tests.unit import fleet_samples


def parsed(report: dict[str, object]) -> ET.Element:
    return ET.fromstring(fleet_junit.xml(report).encode())  # noqa: S314 made by the line before


def test_a_case_has_passed_failed_was_skipped_or_could_not_be_followed() -> None:
    cases = parsed(fleet_samples.sample()).iter("testcase")
    found = {case.get("name"): [child.tag for child in case if child.tag != "system-out"] for case in cases}
    assert found == {
        "db1.example.org: community_connect": [],
        "db2.example.org: community_connect_north": ["failure"],
        "db3.example.org: community_connect_east": ["error"],
        "db4.example.org: community_connect_south": ["skipped"],
    }


def test_the_counts_of_the_suites_are_those_of_their_cases() -> None:
    root = parsed(fleet_samples.sample())
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    assert [(suite.get("name"), suite.get("tests")) for suite in root] == [
        ("pgsafe.migration: batch 1", "1"),
        ("pgsafe.migration: batch 2", "2"),
        ("pgsafe.migration: not reached", "1"),
    ]


def test_a_failure_says_why_and_what_to_do() -> None:
    (failure,) = parsed(fleet_samples.sample()).iter("failure")
    assert failure.get("message") == "rolled back: the database is as it was before"
    assert failure.get("type") == "rolled_back"
    assert failure.text
    assert failure.text.splitlines()[0].startswith("psql ended with status 3")


def test_what_no_xml_may_hold_does_not_break_it() -> None:
    root = parsed(fleet_samples.hostile())
    (failure,) = root.iter("failure")
    assert failure.text
    first = failure.text.splitlines()[0]
    assert first == "<script>alert(1)</script>]]>&\"'" r"\x00\x1b[31m\u202egnp.exe\u2066\ufffe\udc80 VERDICTS"
    assert {element.tag for element in root.iter()} == {"testsuites", "testsuite", "testcase", "failure", "system-out"}
