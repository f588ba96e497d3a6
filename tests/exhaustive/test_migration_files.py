# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random migration files: what is said of each is what the database holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server import file_fuzz
from ansible_collections.pgsafe.migration.tests.server.support import Database


@pytest.mark.every_major
def test_what_is_said_of_a_file_is_what_the_database_holds(
    database: Database, tmp_path: Path, seed: int, cases: int, figure: Callable[[str], None]
) -> None:
    counted, wrong = file_fuzz.run(database, tmp_path, seed, 8 * cases)
    lines = [f"{times:6} {said}" for said, times in sorted(counted.items())]
    figure("\n".join([f"migration files, PostgreSQL {database.server.installation.major}:", *lines]))
    assert not wrong, "\n".join(wrong)
