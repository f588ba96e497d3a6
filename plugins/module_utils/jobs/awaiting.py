# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command of a migration by the user's own tasks: it waits, and is terminated like any other.

So all that holds for a command holds for tasks: it is broken off, killed, followed by the verification.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# In the directory of the run: the tasks are done.
WORD = "tasks_done"

_LOOK_SECONDS = 0.1


def command(word: Path) -> tuple[str, ...]:
    """The program that waits for the word; to be called in a guard's worker, whose code it runs."""
    return (sys.executable, sys.argv[0], "await", str(word), str(os.getpid()))


def main(arguments: Sequence[str]) -> int:
    """Ends with the worker, which may have been killed before this is asked for the first time who it was."""
    word, worker = Path(arguments[0]), int(arguments[1])
    while not word.exists():
        if os.getppid() != worker:
            return 1
        time.sleep(_LOOK_SECONDS)
    return 0
