# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The logs of runs on the controller: what a person was shown, with times, and what the log on the target says.

A run whose controller has died is still at work on its target; the next play that reaches it fetches the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..module_utils import names
from ..module_utils.errors import FileFailed
from ..module_utils.foreign_text import visible
from ..module_utils.journal import log as run_log
from ..module_utils.ports import files

_TARGET = "---- On the target ----"


# By default, in the directory in which the play was started.
DIRECTORY = "pgsafe"


class HostLog:
    """The logs that one host has in one play.

    :param directory: of all logs of the controller; the host has one of its own in it.
    """

    def __init__(self, directory: str, host: str) -> None:
        self._directory = Path(directory).expanduser().absolute() / names.directory_name(host)
        self._began = datetime.now(timezone.utc).strftime("%Y%m%d_%H%M%S")
        self._run_id = ""
        self._shown: list[str] = []

    def show(self, phase: str, line: str) -> None:
        """Keep what is shown to a person."""
        moment = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        self._shown.append(f"{moment}  {phase}  {line}" if phase else f"{moment}  {line}")

    def take(self, result: Mapping[str, Any]) -> None:
        """Keep what a task brings of its run, and of others that it met.

        :raises FileFailed: the log cannot be written.
        """
        self._run_id = self._run_id or str(result.get("run_id") or "")
        for run, lines in _brought(result):
            self._write(run_log.name(run), target=lines)
        if self._run_id:
            self._write(run_log.name(self._run_id), shown=self._shown)

    def end(self, refused: bool) -> None:
        """A run that was refused before it had an id is kept by the time of its beginning.

        :raises FileFailed: the log cannot be written.
        """
        if self._run_id:
            self._write(run_log.name(self._run_id), shown=self._shown)
        elif refused and self._shown:
            self._write(f"refused_{self._began}.log", shown=self._shown)

    def _write(self, name: str, shown: list[str] | None = None, target: list[str] | None = None) -> None:
        """One part of a log; the other one stays as it is."""
        for directory in (self._directory.parent, self._directory):
            files.make_directory(directory)
        old_shown, old_target = _parts(self._directory / name)
        shown, target = shown or old_shown, target or old_target
        brought = ["", _TARGET, *target] if target else []
        files.replace_text(self._directory / name, "\n".join([*shown, *brought, ""]))


def _brought(result: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for entry in result.get("run_logs") or []:
        yield str(entry["run_id"]), [visible(line) for line in entry["lines"]]
    for entry in result.get("runs") or []:
        if isinstance(entry, Mapping) and "run_id" in entry and "log" in entry:
            yield str(entry["run_id"]), [visible(line) for line in entry["log"]]


def _parts(path: Path) -> tuple[list[str], list[str]]:
    """What was shown, and what the target has brought."""
    if not path.exists():
        return [], []
    shown, _mark, target = files.read_text(path).partition(f"{_TARGET}\n")
    return shown.rstrip("\n").splitlines(), target.splitlines()


def unwritable(error: FileFailed) -> str:
    return f"The log of the run could not be kept on the controller: {error.what}"
