# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random damage to backups of every major, with a compressed archive and with one that carries no checksum."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.tests.server import corruption
from ansible_collections.pgsafe.migration.tests.server.support import Database
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

KINDS = ("flip", "flip", "flip", "cut", "cut", "swap", "alter", "alter")


@pytest.fixture(params=["gzip", "none"])
def backups(database: Database, backup_root: Path, request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """The directories of a backup, and of one with other content."""
    wanted = requests.backup(database.target, backup_root, compress_method=request.param)
    stored = backup.run(wanted).directory
    database.sql("UPDATE customers SET note = 'altered' WHERE id = 7; DELETE FROM orders WHERE id = 9")
    return stored, backup.run(wanted).directory


def _of(database: Database, stored: Path) -> str:
    method = manifest.read(stored).compression["method"]
    return f"PostgreSQL {database.server.installation.major}, compression {method}"


def _drawing(seed: int, what: str, database: Database, stored: Path) -> random.Random:
    """Other cases for each major and method, and the same ones for the same seed."""
    return random.Random(f"{seed} {what} {_of(database, stored)}")  # noqa: S311 - to be drawn again, not to be secret


@pytest.mark.every_major
@pytest.mark.fault(28)
@pytest.mark.fault(29)
def test_every_accident_is_found_at_level_checksum(
    database: Database, backups: tuple[Path, Path], seed: int, cases: int, figure: Callable[[str], None]
) -> None:
    chance, tally = _drawing(seed, "accidents", database, backups[0]), corruption.Tally.empty()
    for _number in range(4 * cases):
        damage = corruption.drawn(chance, *backups, KINDS)
        tally.count(damage, corruption.accident(database, backups[0], damage))
    figure("\n".join(tally.lines(f"accidents, {_of(database, backups[0])}")))
    assert tally.passed == []


@pytest.mark.every_major
@pytest.mark.fault(34)
def test_every_inside_job_that_changes_content_is_found_at_level_restore(
    database: Database, backups: tuple[Path, Path], seed: int, cases: int, figure: Callable[[str], None]
) -> None:
    chance, tally = _drawing(seed, "inside jobs", database, backups[0]), corruption.Tally.empty()
    before = corruption.content(database, backups[0])
    for _number in range(cases):
        damage = corruption.drawn(chance, *backups, KINDS)
        tally.count(damage, corruption.inside_job(database, backups[0], damage, before))
    passed = [f"  passed, with all content as it was: {passed}" for passed in tally.passed]
    figure("\n".join([*tally.lines(f"inside jobs, {_of(database, backups[0])}"), *passed]))
