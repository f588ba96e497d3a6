# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a backup."""

from __future__ import annotations

from collections.abc import Sequence

from ..backup_set import manifest as manifests
from ..text import FORESEEN, TICK, duration, size


def backup_foreseen(database_bytes: int, tables: int) -> list[str]:
    return [f"{FORESEEN} A backup of {size(database_bytes)} in {tables} tables would be taken"]


def backup(directory: str, of: manifests.Manifest, swept: Sequence[str] = ()) -> list[str]:
    archive, script = of.file("dump"), of.file("sql")
    csv_bytes = sum(file.size for file in of.csv_files)
    lines = [f"{TICK} Removed the unfinished backup of a dead run: {path}" for path in swept]
    lines += [f"[warning] {warning}" for warning in of.warnings]
    if archive:
        lines.append(f"{TICK} Backup created: {directory}/{archive.name} ({size(archive.size)})")
    if script:
        lines.append(f"{TICK} SQL backup created: {directory}/{script.name} ({size(script.size)})")
    tables = "1 table" if len(of.csv_files) == 1 else f"{len(of.csv_files)} tables"
    lines.append(f"{TICK} CSV exports created ({tables}, {size(csv_bytes)})")
    held = duration(of.seconds.get("snapshot_held", 0.0))
    lines.append(f"{TICK} Backup manifest created (one snapshot at {of.snapshot_lsn}, held for {held})")
    return lines
