# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tables clients have written to since the fence, where it lets them write until the database is closed.

All others have the rows that the backup has counted, so that a closed database need not be counted whole.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from ..errors import Interrupted, PgsafeError
from ..journal.journal import Journal
from ..model import Target
from ..ports import files
from ..ports.database import session
from ..postgres import table_marks
from ..postgres.table_marks import Marks

FILE = "table_marks.json"


def begin(target: Target, run_journal: Journal) -> None:
    """Keep the marks of now in the run's directory; where that fails, all tables are counted."""
    try:
        with session(target, purpose="fence") as reader:
            marks = table_marks.take(reader)
        files.replace_text(run_journal.directory / FILE, json.dumps(asdict(marks), sort_keys=True) + "\n")
    except Interrupted:
        raise
    except PgsafeError as error:
        run_journal.note(f"The rows of every table will be counted while the database is closed: {error.what}")


def since(run_journal: Journal, now: Marks) -> frozenset[str] | None:
    """Their labels, once every session has ended; None where that is not known."""
    try:
        before = Marks(**json.loads(files.read_text(run_journal.directory / FILE)))
    except (PgsafeError, TypeError, ValueError, RecursionError):
        return None
    return table_marks.touched(before, now)
