# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server looks like a managed service, where no superuser is given out."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.managed_by:
        yield Problem(
            "managed_service",
            "info",
            f"The server looks like {facts.managed_by}: its disks and standbys cannot be seen from here, sessions of "
            "its own cannot be ended, and it may refuse event triggers, foreign owners, publications FOR ALL TABLES.",
            "Look at free storage and replicas in its console, and state what is free (free_bytes).",
        )
