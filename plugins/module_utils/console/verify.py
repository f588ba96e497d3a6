# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof of a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..text import CROSS, FORESEEN, TICK, duration, equal

if TYPE_CHECKING:
    from ..verify.findings import BackupProof


def verify_foreseen(level: str) -> list[str]:
    return [f"{FORESEEN} The backup would be verified to the level {level}"]


def verify(found: BackupProof) -> list[str]:
    if found.findings:
        return [f"{CROSS} {finding.as_text()}" for finding in found.findings]
    archive = found.manifest.file("dump") if found.manifest else None
    spent = ", ".join(f"{level} {duration(seconds)}" for level, seconds in found.seconds.items())
    lines = [f"{TICK} Backup integrity verified: level {found.reached} ({spent})"]
    lines += [f"[info] {note}" for note in found.notes]
    if found.verified_copy:
        lines.append(f"{TICK} The verified copy {found.verified_copy} is kept, closed, until the verdict")
    if found.reached == "restore" and found.manifest:
        mode = found.manifest.fingerprint.mode
        lines.append(f"{TICK} The restored copy is {equal(mode)} (fingerprint: {mode})")
    return lines + ([f"{TICK} Backup checksum: {archive.sha256[:16]}..."] if archive else [])
