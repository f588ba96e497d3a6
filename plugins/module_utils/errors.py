# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The errors of the collection: each says what failed, what state was left and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from .foreign_text import marked

NOTHING_CHANGED = "Nothing was changed."


class PgsafeError(Exception):
    """The base of every error raised below a module's main().

    :param what: what failed, on what; one or more sentences.
    :param state: the state that was left behind.
    :param remedy: what to do next; empty when the message says it all.
    """

    def __init__(self, what: str, state: str = NOTHING_CHANGED, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what.strip()
        self.state = state
        self.remedy = remedy
        self.undo_problems: tuple[str, ...] = ()
        # The run whose fence could not be lifted.
        self.run_id = ""

    def with_state(self, state: str) -> PgsafeError:
        """The same error, told by a caller who knows better what state was left."""
        self.state = state
        return self

    def joined(self, problem: str) -> PgsafeError:
        """The same error with a failed undo added to it; an undo never replaces the first error."""
        self.undo_problems += (problem,)
        return self

    def __str__(self) -> str:
        undo = [f"While undoing: {problem}" for problem in self.undo_problems]
        text = ""
        for part in (self.what, *undo, self.state, self.remedy):
            if part:
                text += ("\n" if "\n" in text else " ") + _sentence(marked(part))
        return text[1:]

    def facts(self) -> dict[str, object]:
        """The parts of the error, for a module's result."""
        return {
            "what_failed": marked(self.what),
            "state_left": marked(self.state),
            "remedy": marked(self.remedy),
            "undo_problems": [marked(problem) for problem in self.undo_problems],
        }


def _sentence(text: str) -> str:
    """What a tool said ends where its line ended; another sentence follows it."""
    return text if text[-1] in ".!?:;)\"'\n" else f"{text}."


class BadRequest(PgsafeError):
    """The options contradict each other or name something that cannot be."""


class ConnectionFailed(PgsafeError):
    """No session with the server or the database could be had, or it was lost."""


class QueryFailed(PgsafeError):
    """The server refused a statement.

    :param sqlstate: the five characters of the SQLSTATE, empty when there was none.
    """

    def __init__(self, what: str, sqlstate: str = "", remedy: str = "") -> None:
        super().__init__(what, remedy=remedy)
        self.sqlstate = sqlstate


class LockNotAvailable(QueryFailed):
    """A lock was not granted within lock_timeout (SQLSTATE 55P03)."""


class FileFailed(PgsafeError):
    """A file or directory could not be read or written."""


class NotABackup(PgsafeError):
    """A directory is no complete backup, or its manifest cannot be trusted."""


class CommandFailed(PgsafeError):
    """A program could not be started, ended with a status other than 0, or made no progress.

    :param status: the exit status, negative for a signal, None when it never ran or was ended by us.
    :param stderr: the last lines of what it said.
    :param stdout: of a program whose output was kept, the beginning and the last lines of it.
    """

    def __init__(
        self, what: str, status: int | None = None, stderr: str = "", remedy: str = "", stdout: str = ""
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.status = status
        self.stderr = stderr
        self.stdout = stdout


class Refused(PgsafeError):
    """A promise would be broken by going on."""


class VerificationFailed(PgsafeError):
    """Something was compared with what it ought to be, and differs."""


class NotCommitted(PgsafeError):
    """A file ended without an error, and did not take effect as a whole."""


class Interrupted(PgsafeError):
    """A signal asked the work to stop."""


@dataclass(frozen=True)
class Problem:
    """One finding of a preflight check.

    :param check: the check's name.
    :param severity: ``error`` stops a run, ``warning`` and ``info`` are shown.
    :param what: what was found.
    :param remedy: what to do about it, as a command where there is one.
    :param waived: why it was waived; empty for a problem that was not.
    """

    check: str
    severity: str
    what: str
    remedy: str
    waived: str = ""

    def as_text(self) -> str:
        return f"[{self.severity}] {self.check}: {self.told}"

    @property
    def told(self) -> str:
        """What was found and what to do about it, in a line."""
        waived = f"(Waived: {self.waived})" if self.waived else ""
        return " ".join(part for part in (self.what, self.remedy, waived) if part)
