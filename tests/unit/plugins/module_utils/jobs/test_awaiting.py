# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What waits for somebody's own tasks ends when they are done, and with the worker that has started it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import awaiting


def test_it_waits_for_the_word(tmp_path: Path) -> None:
    word = tmp_path / awaiting.WORD
    word.write_text("")
    assert awaiting.main([str(word), str(os.getppid())]) == 0


def test_it_does_not_outlive_a_worker_that_was_killed_before_it_began(tmp_path: Path) -> None:
    assert awaiting.main([str(tmp_path / awaiting.WORD), str(os.getpid())]) == 1


def test_it_is_told_who_has_started_it(tmp_path: Path) -> None:
    argv = awaiting.command(tmp_path / awaiting.WORD)
    assert argv == (sys.executable, sys.argv[0], "await", str(tmp_path / awaiting.WORD), str(os.getpid()))
