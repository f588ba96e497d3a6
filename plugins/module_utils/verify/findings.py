# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a verification finds: each finding with its file, and how long each step took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..backup_set.manifest import Manifest
from ..errors import CommandFailed, FileFailed, QueryFailed, VerificationFailed


@dataclass(frozen=True)
class Finding:
    """:param file: the file, or empty for the directory as a whole."""

    file: str
    what: str

    def as_text(self) -> str:
        return f"{self.file}: {self.what}" if self.file else self.what


class Damaged(VerificationFailed):
    """A file is not what it has to be.

    :param file: its name.
    """

    def __init__(self, file: str, what: str) -> None:
        super().__init__(what)
        self.file = file


@dataclass
class Found:
    """What the steps of one verification have found so far.

    :param notes: what could not be said, or was done otherwise than usual; no fault of the backup's.
    :param not_given_back: what a restore of this backup leaves out or decides anew, an object each.
    :param steps: seconds by step.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    not_given_back: list[str] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)

    def take(self, other: Found) -> None:
        """What another one has found, as if it were found here; its seconds are added."""
        self.findings += other.findings
        self.notes += other.notes
        self.not_given_back += other.not_given_back
        for step, seconds in other.steps.items():
            self.steps[step] = round(self.steps.get(step, 0.0) + seconds, 3)

    def add(self, file: str, what: str) -> None:
        self.findings.append(Finding(file, what))

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.steps[step] = round(self.steps.get(step, 0.0) + time.monotonic() - started, 3)

    @contextmanager
    def noting_damage(self) -> Iterator[None]:
        """A file that the block says is damaged is a finding; every other error passes."""
        try:
            yield
        except Damaged as error:
            self.add(error.file, error.what)

    @contextmanager
    def blaming(self, file: str, what: str = "") -> Iterator[None]:
        """What a tool, the filesystem or the server refuses in the block is a finding of this file.

        An interruption or a lost session is none: it says nothing about the backup.

        :param what: put before the reason.
        """
        try:
            with self.noting_damage():
                yield
        except (CommandFailed, FileFailed, QueryFailed, VerificationFailed) as error:
            self.add(file, f"{what}{error.what}")


@dataclass(frozen=True)
class BackupProof:
    """:param reached: the highest level without a finding, empty when not even the first was.
    :param seconds: duration of each level.
    :param manifest: of the backup; an archive that was made by hand has none.
    :param steps: duration of each step of each level, by ``level: step``.
    :param notes: what could not be said, or was done otherwise than usual.
    :param verified_copy: the name of the verified copy that is kept for a rollback; empty when none is.
    :param not_given_back: what a restore of this backup leaves out or decides anew, an object each.
    """

    reached: str
    findings: tuple[Finding, ...]
    seconds: dict[str, float]
    manifest: Manifest | None
    steps: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    verified_copy: str = ""
    not_given_back: tuple[str, ...] = ()


def by_levels(looks: Mapping[str, Callable[[Found], None]], level: str, manifest: Manifest | None) -> BackupProof:
    """Look level by level up to one; the first with a finding is the last that is tried.

    :param looks: from the lowest level on.
    """
    reached, verdict = "", BackupProof("", (), {}, manifest)
    for name, look in looks.items():
        found, started = Found(), time.monotonic()
        look(found)
        reached = name if not found.findings else reached
        verdict = BackupProof(
            reached,
            tuple(found.findings),
            {**verdict.seconds, name: round(time.monotonic() - started, 3)},
            manifest,
            {**verdict.steps, **{f"{name}: {step}": seconds for step, seconds in found.steps.items()}},
            (*verdict.notes, *found.notes),
            not_given_back=(*verdict.not_given_back, *found.not_given_back),
        )
        if found.findings or name == level:
            break
    return verdict
