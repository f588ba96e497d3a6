# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines that show how a job gets on: few, on change, and never on the standard output of a program."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible import constants

_PAUSE_SECONDS = 10.0


class Lines:
    """What is shown of one host's job."""

    def __init__(self, display: Any, host: str, hosts: int) -> None:
        self._display = display
        self._prefix = f"{host}: " if hosts > 1 else ""
        self._aside = "json" in str(constants.DEFAULT_STDOUT_CALLBACK)
        self._last = ""
        self._at = time.monotonic()

    def show(self, state: Mapping[str, Any], progress: Mapping[str, Any]) -> None:
        """What has changed since the last look, or goes on for a while."""
        text = str(progress.get("text") or "")
        if state.get("state") in ("aborting", "recovering", "waiting"):
            text = f"{_STATES[state['state']]} {state.get('reason', '')}".strip()
        if text and text != self._last:
            self.say(text)
            self._last = text
        elif progress.get("statement") and time.monotonic() - self._at > _PAUSE_SECONDS:
            self.say(f"{text}: {running(progress)}")

    def say(self, text: str) -> None:
        self._at = time.monotonic()
        self._display.display(f"{self._prefix}    {text}", stderr=self._aside)

    def done(self) -> None:
        """Nothing more is shown."""


_STATES = {
    "aborting": "Breaking off.",
    "recovering": "Putting back.",
    "waiting": "Waiting for the server.",
}


def running(progress: Mapping[str, Any]) -> str:
    """The statement that is running and its age in seconds; how far it is, where the server says so."""
    text = f"{progress['statement']} ({progress['seconds']:.0f} s)"
    if not progress.get("total"):
        return text
    return f"{text} {100 * progress['done'] // progress['total']} %"
