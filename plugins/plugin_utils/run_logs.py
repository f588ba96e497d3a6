# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The logs of runs on the controller: what a person was shown, with times, and what the log on the target says.

A run whose controller has died is still at work on its target; whatever play meets it next brings the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import files, names, run_log
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed

_TARGET = "---- On the target ----"


class HostLog:
    """The logs that one host has in one play.

    :param directory: of all logs of the controller; the host has one of its own in it.
    """

    def __init__(self, directory: Path, host: str) -> None:
        self._directory = directory / names.directory_name(host)
        self._began = datetime.now(timezone.utc).strftime("%Y%m%d_%H%M%S")
        self._run_id = ""
        self._shown: list[str] = []
        self._target: list[str] = []

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
            if run == self._run_id:
                self._target = lines
            else:
                self._write(run_log.name(run), _shown_before(self._directory / run_log.name(run)), lines)
        if self._run_id:
            self._write(run_log.name(self._run_id), self._shown, self._target)

    def end(self, refused: bool) -> None:
        """A run that was refused before it had an id is kept by the time of its beginning.

        :raises FileFailed: the log cannot be written.
        """
        if self._run_id:
            self._write(run_log.name(self._run_id), self._shown, self._target)
        elif refused and self._shown:
            self._write(f"refused_{self._began}.log", self._shown, [])

    def _write(self, name: str, shown: list[str], target: list[str]) -> None:
        for directory in (self._directory.parent, self._directory):
            files.make_directory(directory)
        brought = ["", _TARGET, *target] if target else []
        files.replace_text(self._directory / name, "\n".join([*shown, *brought, ""]))


def _brought(result: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for entry in result.get("run_logs") or []:
        yield str(entry["run_id"]), list(entry["lines"])
    for entry in result.get("runs") or []:
        if isinstance(entry, Mapping) and "run_id" in entry and "log" in entry:
            yield str(entry["run_id"]), list(entry["log"])


def _shown_before(path: Path) -> list[str]:
    """What the controller of another play has kept of a run."""
    if not path.exists():
        return []
    return files.read_text(path).partition(f"\n{_TARGET}\n")[0].rstrip("\n").splitlines()


def unwritable(error: FileFailed) -> str:
    return f"The log of the run could not be kept on the controller: {error.what}"
