# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines that show how a job gets on: few, on change, and never on the standard output of a program.

On a terminal with one host there is one more, which is drawn again in its place, and is gone when another one comes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible import constants

from ..module_utils import foreign_text
from ..module_utils.guard import channel as channels
from . import terminals
from .pace import Pace

_PAUSE_SECONDS = 10.0
_CLEARED = "\r\x1b[K"


class Lines:
    """What is shown of one host's job.

    :param progress: whether it is shown how the work gets on, and not only what is out of the ordinary.
    """

    def __init__(self, display: Any, host: str, hosts: int, progress: bool = True) -> None:
        self._display = display
        self._prefix = f"{host}: " if hosts > 1 else ""
        self._aside = "json" in str(constants.DEFAULT_STDOUT_CALLBACK)
        self._progress = progress
        self._width = terminals.width() if progress and hosts == 1 and not self._aside else 0
        self._pace = Pace()
        self._last = ""
        self._drawn = ""
        self._at = time.monotonic()

    def show(self, state: Mapping[str, Any], progress: Mapping[str, Any]) -> None:
        """What has changed since the last look, or goes on for a while."""
        if state.get("state") == channels.ENDED:
            return
        told = _STATES.get(str(state.get("state")), "")
        text = f"{told} {state.get('reason', '')}".strip() if told else str(progress.get("text") or "")
        if not told and not self._progress:
            return
        if text and text != self._last:
            self.say(text)
            self._last = text
        if progress.get("now"):
            self._show_now(text, self._pace.told(progress["now"]))

    def _show_now(self, text: str, now: str) -> None:
        if self._width:
            self._draw(now)
        elif time.monotonic() - self._at > _PAUSE_SECONDS:
            self.say(f"{text}: {now}" if text else now)

    def say(self, text: str) -> None:
        """A whole line."""
        self.done()
        self._at = time.monotonic()
        for line in foreign_text.lines(text):
            self._display.display(f"{self._prefix}    {line}", stderr=self._aside)

    def done(self) -> None:
        """Nothing that was drawn is left, for others write from the beginning of the line."""
        if self._drawn:
            self._display.display(_CLEARED, screen_only=True, newline=False)
            self._drawn = ""

    def _draw(self, now: str) -> None:
        line = f"    {foreign_text.visible(now)}"[: self._width - 1]
        if line != self._drawn:
            self._display.display(_CLEARED + line, screen_only=True, newline=False)
            self._drawn = line


_STATES = {
    channels.ABORTING: "Aborting.",
    channels.RECOVERING: "Rolling back.",
    channels.WAITING: "Waiting for the server.",
}
