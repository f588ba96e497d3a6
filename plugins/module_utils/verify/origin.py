# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who could have written a backup, and where its SQL may run: see docs/security.md."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..backup_set import manifest as manifests
from ..backup_set.manifest import Manifest
from ..errors import Refused
from ..journal import journal
from ..journal.events import Event
from ..journal.journal import Journal
from ..ports import safe_paths

TEMPORARY_INSTANCE = "temporary_instance"

# What reaches beyond its database, by how pg_dump writes it. A dump can hide it; this is for people to read.
_REACHING = {
    "COPY with PROGRAM": re.compile(rb"^\s*COPY\b.*\bPROGRAM\b", re.IGNORECASE),
    "COPY with a file": re.compile(rb"^\s*COPY\b.*\b(?:TO|FROM)\s+E?'", re.IGNORECASE),
    "an untrusted language": re.compile(
        rb"\bLANGUAGE\s+\"?(?:pl\w+u|plsh|plr|pljava|plrust)\b|^\s*CREATE (?:OR REPLACE )?(?:PROCEDURAL )?LANGUAGE",
        re.IGNORECASE,
    ),
    "a C function": re.compile(rb"\bLANGUAGE\s+\"?c\b", re.IGNORECASE),
    "an event trigger": re.compile(rb"^\s*CREATE EVENT TRIGGER", re.IGNORECASE),
    "a role, a database, a tablespace or a system setting": re.compile(
        rb"^\s*(?:CREATE|ALTER|DROP) (?:ROLE|USER|DATABASE|TABLESPACE|SYSTEM)\b", re.IGNORECASE
    ),
    "a foreign server": re.compile(rb"^\s*CREATE (?:SERVER|USER MAPPING|FOREIGN DATA WRAPPER)", re.IGNORECASE),
}


def run_of(backup_dir: Path, run_id: str) -> Journal | None:
    """The run that a backup is of, if it has a journal beside it that no other user could have written."""
    root = backup_dir.parent.parent
    weak = safe_paths.weakness(backup_dir) or safe_paths.weakness(root / journal.RUNS / run_id)
    return None if weak else journal.of_run(root, run_id)


def is_own(backup_dir: Path, manifest: Manifest) -> bool:
    """Whether a run whose journal no other user could write took this very backup."""
    run_journal = run_of(backup_dir, manifest.run_id)
    taken = run_journal.last(Event.BACKED_UP) if run_journal else None
    return taken is not None and taken.facts.get("manifest_sha256") == manifests.digest_of(backup_dir)


def require_apart(path: Path, proof: str) -> None:
    """
    :raises Refused: the SQL of a dump of unknown origin would run with the rights of this role.
    """
    if proof != TEMPORARY_INSTANCE:
        raise Refused(
            f"{path} is of unknown origin, and proof: {proof} would run its SQL on the server of the connection.",
            remedy="Choose proof: temporary_instance, or set trusted: true if it may run there.",
        )


def superuser_allowed() -> bool:
    """Whether the SQL of any origin may run as a superuser of a temporary instance: its programs then own nothing."""
    return os.geteuid() == 0


def reaching_out(lines: Iterable[bytes]) -> Iterator[str]:
    """What a script says that reaches beyond its database, each kind once, with its first line."""
    wanted = dict(_REACHING)
    for number, line in enumerate(lines, start=1):
        for kind in [kind for kind, pattern in wanted.items() if pattern.search(line)]:
            del wanted[kind]
            yield f"its SQL has {kind} (line {number})"
