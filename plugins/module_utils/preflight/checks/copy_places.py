# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each place for a copy of the backup can be used.

A directory of the target or of the controller exists, can be written safely, and has room, one of the target on a disk
of its own; an object store can be listed. Where copies are encrypted, their recipients are public keys, and the target
can encrypt.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...text import size
from .check import CopyPlace, Facts


def check(facts: Facts) -> Iterator[Problem]:
    for place in facts.copy_places:
        severity = "error" if place.required else "warning"
        faults = [*_unusable(place), *_short_of_room(place, facts)]
        yield from (Problem("copy_places", severity, what, remedy) for what, remedy in faults)
        if not faults and place.filesystem.device == facts.backup_filesystem.device:
            yield Problem(
                "copy_places",
                "warning",
                f"The place {place.directory.path} is on the file system of the backup root: one lost disk takes both.",
                f"Check whether it is mounted: findmnt --target {place.directory.path}",
            )
    yield from _of_controller(facts)
    for store in facts.copy_stores:
        if store.problem:
            yield Problem(
                "copy_places",
                "error" if store.required else "warning",
                f"The place {store.url} for a copy of the backup cannot be used: {store.problem}",
                store.remedy,
            )
    for encryption in facts.copy_encryption:
        if encryption.problem:
            yield Problem(
                "copy_places",
                "error" if encryption.required else "warning",
                f"The copy of the backup at {encryption.place} cannot be encrypted: {encryption.problem}",
                encryption.remedy,
            )


def _of_controller(facts: Facts) -> Iterator[Problem]:
    needed = int(facts.backup_size.bytes * facts.thresholds.disk_factor)
    for place in facts.controller_places:
        what, remedy = f"cannot be used: {place.problem}", place.remedy
        if not place.problem and place.free_bytes < needed:
            what = f"has {size(place.free_bytes)} free; the copy is expected to need {size(needed)}."
            remedy = "Free space there, or lower disk_factor."
        if place.problem or place.free_bytes < needed:
            severity = "error" if place.required else "warning"
            yield Problem("copy_places", severity, f"The place {place.place} on the controller {what}", remedy)


def _unusable(place: CopyPlace) -> Iterator[tuple[str, str]]:
    directory = place.directory
    if not directory.path.startswith("/"):
        yield f"The place {directory.path} is not an absolute path.", "Write its whole path in pg_migrate_copy_to."
    elif not directory.exists:
        yield (
            f"The place {directory.path} for a copy of the backup does not exist.",
            f"Mount it, or create it as the user of the play: install -d -m 0700 {directory.path}",
        )
    elif not directory.writable:
        yield (
            f"The place {directory.path} cannot be written by the user of the play.",
            f"Check its owner and its mount: ls -ld {directory.path}; findmnt --target {directory.path}",
        )
    if directory.weakness:
        what = f"Another user could replace what is in the place {directory.path}: {directory.weakness}."
        yield what, directory.remedy


def _short_of_room(place: CopyPlace, facts: Facts) -> Iterator[tuple[str, str]]:
    needed, free = int(facts.backup_size.bytes * facts.thresholds.disk_factor), place.filesystem.free_bytes
    if free is not None and free < needed:
        yield (
            f"The place {place.directory.path} has {size(free)} free; the copy is expected to need {size(needed)}.",
            f"Free space there (df -h {place.directory.path}), or lower disk_factor.",
        )
