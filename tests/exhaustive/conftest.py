# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Long tests over random cases: the servers of tests/server, a seed that is said, and figures at the end.

PGSAFE_SEED draws the same cases again; PGSAFE_CASES says how many of each sort.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from ansible_collections.pgsafe.migration.tests.server import conftest as servers
from ansible_collections.pgsafe.migration.tests.server.conftest import (
    ansible,
    backup_root,
    clone,
    controller,
    database,
    logins,
    place,
    pytest_configure,
    pytest_generate_tests,
    pytest_runtest_call,
    running,
    sample,
    server,
)

# pytest finds fixtures and hooks by their names in this file.
__all__ = [
    "ansible",
    "backup_root",
    "clone",
    "controller",
    "database",
    "logins",
    "place",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_runtest_call",
    "running",
    "sample",
    "server",
]

# In the environment, so that the processes of pytest-xdist draw the same cases.
SEED = int(os.environ.setdefault("PGSAFE_SEED", str(secrets.randbelow(1 << 32))))
FIGURE, OUTCOME = "figure", "outcome"


def pytest_report_header() -> str:
    return f"seed: PGSAFE_SEED={SEED}"


@pytest.fixture
def seed() -> int:
    return SEED


@pytest.fixture
def cases() -> int:
    """How many random cases of each sort."""
    return int(os.environ.get("PGSAFE_CASES") or 250)


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Print a line at the end."""
    return partial(record_property, FIGURE)


@pytest.fixture
def outcome(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Count a result of a case; the counts are printed at the end."""
    return partial(record_property, OUTCOME)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    servers.write_tried(terminalreporter)
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    recorded = [entry for report in reports if report.when == "call" for entry in report.user_properties]
    terminalreporter.section("figures")
    terminalreporter.write_line(f"seed: PGSAFE_SEED={SEED}")
    for line in sorted(str(value) for name, value in recorded if name == FIGURE):
        terminalreporter.write_line(line)
    counted = Counter(str(value) for name, value in recorded if name == OUTCOME)
    for what, times in sorted(counted.items()):
        terminalreporter.write_line(f"{times:4} {what}")
