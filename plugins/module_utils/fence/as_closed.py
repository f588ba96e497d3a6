# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a database was when it was closed for its migration, kept in the run's directory.

Clients have written since the snapshot of a backup that was taken while they did; so a migration is judged, and a
rollback to the copy of the files described, by this and not by the backup's manifest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from ..backup_set import manifest as manifests
from ..backup_set.manifest import Manifest
from ..errors import NotABackup
from ..journal.journal import Journal
from ..ports import files
from . import counters
from .counters import Counters

FILE = "as_closed.json"


@dataclass(frozen=True)
class AsClosed:
    """:param manifest: the backup's, with the objects, rows, findings and properties of the closed database.
    :param seen: the change counters of the closed database.
    """

    manifest: Manifest
    seen: Counters


def write(run_journal: Journal, closed: AsClosed) -> None:
    """
    :raises FileFailed: it cannot be written.
    """
    kept = {"manifest": json.loads(manifests.to_json(closed.manifest)), "counters": closed.seen.as_facts()}
    files.replace_text(run_journal.directory / FILE, json.dumps(kept, indent=2, sort_keys=True) + "\n")


def read(run_journal: Journal) -> AsClosed:
    """
    :raises NotABackup: it is missing, cut or garbled.
    :raises FileFailed: it cannot be read.
    """
    path = run_journal.directory / FILE
    try:
        kept = json.loads(files.read_text(path))
        text, seen = json.dumps(kept["manifest"]), counters.of_facts(kept["counters"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise NotABackup(f"{path} lacks or garbles a part: {error!r}.") from error
    return AsClosed(manifests.from_json(text, str(path)), seen)
