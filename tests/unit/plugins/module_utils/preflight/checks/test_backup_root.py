# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backup root is a directory of ours."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import backup_root
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_a_relative_backup_root_is_an_error() -> None:
    (problem,) = backup_root.check(replace(FACTS, backup_root=replace(FACTS.backup_root, path="backups")))
    assert "is not absolute" in problem.what


def test_a_root_that_is_not_there_is_one_error_with_the_command_that_makes_it() -> None:
    missing = replace(FACTS.backup_root, exists=False, writable=False, mode=0)
    (problem,) = backup_root.check(replace(FACTS, backup_root=missing))
    assert problem.severity == "error"
    assert "install -d -m 0700 /backups" in problem.remedy


def test_a_root_that_cannot_be_written_is_an_error() -> None:
    (problem,) = backup_root.check(replace(FACTS, backup_root=replace(FACTS.backup_root, writable=False)))
    assert "cannot be written" in problem.what


def test_a_root_whose_content_another_user_could_replace_is_an_error() -> None:
    weak = replace(FACTS.backup_root, weakness="/backups belongs to eve", remedy="chown root /backups")
    (problem,) = backup_root.check(replace(FACTS, backup_root=weak))
    assert problem.told == (
        "Another user could replace what is in the backup root /backups: /backups belongs to eve. chown root /backups"
    )
