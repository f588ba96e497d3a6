# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks before a restore: none is forgotten, each is described and tried on a server."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils.restore_checks import registry
from ansible_collections.pgsafe.migration.plugins.module_utils.restore_checks.run import problems
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION
from ansible_collections.pgsafe.migration.tests.unit.samples import RESTORE_FACTS

KEPT_APART = {"__init__", "check", "gather", "registry", "run"}
FILES = {path.stem for path in Path(registry.__file__).parent.glob("*.py")} - KEPT_APART


def test_every_check_of_the_directory_is_listed_once() -> None:
    listed = [check.__module__.rpartition(".")[2] for check in registry.CHECKS]
    assert sorted(listed) == sorted(FILES)


def test_every_check_has_its_line_in_the_documentation() -> None:
    page = (COLLECTION / "docs" / "restore.md").read_text(encoding="utf-8")
    assert [name for name in sorted(FILES) if f"| `{name}` |" not in page] == []


def test_every_check_is_tried_on_a_server() -> None:
    tests = (COLLECTION / "tests" / "server").glob("test_restore_guardrails*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in tests)
    assert [name for name in sorted(FILES) if f'"{name}"' not in text] == []


def test_a_healthy_database_has_no_problem() -> None:
    assert problems(RESTORE_FACTS) == ()
