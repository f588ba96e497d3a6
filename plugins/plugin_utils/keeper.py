# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A controller-side process that renews a lease while other tasks run, or between two tasks.

Between two tasks no worker of Ansible's looks at the guard, and with a lease as long as all tasks may take a rollback
would wait as long when the controller is killed. The keeper is forked from the worker that begins, and goes when the
guard has ended; when Ansible's main process ends before that, it tells the guard.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ansible_collections.pgsafe.migration.plugins.plugin_utils import shield
from ansible_collections.pgsafe.migration.plugins.plugin_utils.main_process import MainProcess
from ansible_collections.pgsafe.migration.plugins.plugin_utils.trap import Trap, trapped

Guard = Mapping[str, Any]


@contextmanager
def ready(keep: Callable[[Guard, Trap], None]) -> Iterator[Callable[[Guard], object]]:
    """A keeper that waits for its guard, and goes when the block ends without one.

    It is there before the guard is, and before the worker has connected to the host: what a connection holds open
    cannot be shared by two processes.

    :param keep: stays with the guard, in the keeper; the trap knows of the end of the controller.
    """
    main = MainProcess()
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(writing)
        _keeper(keep, main, reading)
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        yield lambda guard: stream.write(json.dumps(guard))


def _keeper(keep: Callable[[Guard, Trap], None], main: MainProcess, reading: int) -> None:
    """Never returns: whatever the worker would do next is not the keeper's."""
    try:
        with suppress(Exception):  # there is no one to report it to; the guard's lease lapses
            shield.leave_terminal()
            with trapped(main, read=False) as trap, os.fdopen(reading, encoding="utf-8") as stream:
                said = stream.read()
                if said:
                    keep(json.loads(said), trap)
    finally:
        os._exit(0)
