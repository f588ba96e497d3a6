# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks before a restore: none is forgotten, each is described and tried on a server."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import registry as preflight
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import run
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.restore_checks import registry
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.restore_checks.run import problems
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION
from ansible_collections.pgsafe.migration.tests.unit.samples import RESTORE_FACTS

KEPT_APART = {"__init__", "check", "gather", "registry", "run"}
LISTED = {run.name_of(check): check for check in registry.CHECKS}
FILES = {path.stem for path in Path(registry.__file__).parent.glob("*.py")} - KEPT_APART


def test_every_check_of_the_directory_is_listed_once() -> None:
    own = [name for name, check in LISTED.items() if ".restore_checks." in check.__module__]
    assert sorted(own) == sorted(FILES)
    assert len(LISTED) == len(registry.CHECKS)


def test_a_check_that_the_preflight_has_too_is_the_same_one() -> None:
    of_preflight = {run.name_of(listed.check): listed.check for listed in preflight.CHECKS}
    shared = {name: check for name, check in LISTED.items() if name not in FILES}
    assert len(shared) > 10
    assert [name for name, check in shared.items() if check.__module__ != of_preflight[name].__module__] == []


def test_every_check_is_tried_on_a_server() -> None:
    tests = COLLECTION / "tests" / "server"
    paths = [*tests.glob("test_restore_guardrails*.py"), *tests.glob("test_preflight_disks.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert [name for name in sorted(LISTED) if f'"{name}"' not in text] == []


def test_a_healthy_database_has_no_problem() -> None:
    assert problems(RESTORE_FACTS) == ()
