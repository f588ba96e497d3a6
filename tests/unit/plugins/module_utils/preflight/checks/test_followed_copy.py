# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fence whose copy follows the database is refused where that cannot be."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.model import FOLLOWED
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import followed_copy
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import Obstacle
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

MINIMAL = Obstacle("error", "wal_level is replica", "Set it.")
SLOW = Obstacle("warning", "it may take long", "Raise it.")
ASKED = replace(FACTS, fence=FOLLOWED, proof="verified_copy")


def test_each_obstacle_is_a_problem_with_its_remedy() -> None:
    found = list(followed_copy.check(replace(ASKED, followed_copy=(MINIMAL, SLOW))))
    assert [(problem.severity, problem.remedy) for problem in found] == [("error", "Set it."), ("warning", "Raise it.")]
    assert found[0].what == f"No copy can follow {FACTS.database}: wal_level is replica."


def test_a_proof_elsewhere_leaves_no_copy_that_could_follow() -> None:
    (found,) = followed_copy.check(replace(ASKED, proof="temporary_instance"))
    assert (found.severity, "proof: temporary_instance" in found.what) == ("error", True)


def test_it_is_silent_about_another_fence() -> None:
    assert list(followed_copy.check(replace(ASKED, fence="closed", followed_copy=(MINIMAL,)))) == []


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(followed_copy.check(ASKED)) == []
