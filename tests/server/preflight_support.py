# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the preflight share: a look at a database, and what one check said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import run as preflight
from ansible_collections.pgsafe.migration.tests.server.support import Database
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests


def look(database: Database, backup_root: Path, target: Target | None = None, **options: object) -> preflight.Preflight:
    """The preflight of a database; the options are those of :class:`preflight.PreflightRequest`."""
    wanted = requests.preflight(target or database.target, backup_root)
    return preflight.run(replace(wanted, **options))  # type: ignore[arg-type]


def of(found: preflight.Preflight, check: str) -> list[Problem]:
    """What a check found, without what it could not see."""
    unseen = {one.what for one in found.facts.not_seen}
    return [problem for problem in found.problems if problem.check == check and problem.what not in unseen]


def only(found: preflight.Preflight, check: str) -> Problem:
    (problem,) = of(found, check)
    return problem
