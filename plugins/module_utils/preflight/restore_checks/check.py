# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a check before a restore of a certain backup sees, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ...backup_set.manifest import Manifest
from ...errors import Problem
from ..checks.check import ServerFacts


@dataclass(frozen=True)
class Intent:
    """What is to be restored, and what becomes of what is there.

    :param replaces: the live database, by its name of now; None when none is replaced.
    :param creates: the names that databases will be given: of the copy, and of the one that is kept.
    :param globals_file: where the roles and tablespaces of the backup can be read.
    :param stated_free_bytes: what a person says is free for the copy, for a server that is not this host.
    :param waived: by the name of a check, why a person accepts its errors; they are warnings then.
    """

    manifest: Manifest
    replaces: str | None
    creates: tuple[str, ...]
    globals_file: str
    stated_free_bytes: int | None = None
    waived: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """A database that has one of the names already.

    :param leftover: of an interrupted restore of this very backup, which the next one drops.
    :param in_use: a sentence that names who uses it now; else empty.
    """

    name: str
    leftover: bool
    in_use: str = ""


@dataclass(frozen=True)
class Facts(ServerFacts):
    """What only the restore of a certain backup looks at.

    :param changed: kind, and what is other there than at the backup.
    """

    intent: Intent
    changed: tuple[tuple[str, str], ...]
    taken: tuple[Taken, ...]


Check = Callable[[Facts], Iterator[Problem]]
