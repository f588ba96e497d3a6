# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The extraction of rows as a job."""

from __future__ import annotations

from ..console import tables as console
from ..tables import extract


def run(request: extract.ExtractRequest) -> dict[str, object]:
    """
    :raises PgsafeError: it could not be done; no file was written.
    """
    done = extract.run(request)
    return _result(done, console.rows_extracted(done))


def predicted(request: extract.ExtractRequest) -> dict[str, object]:
    """What would be done, by reading alone.

    :raises PgsafeError: it could not be begun.
    """
    found = extract.plan(request)
    return _result(found, console.rows_foreseen(found))


def _result(done: extract.Extracted, lines: list[str]) -> dict[str, object]:
    return {
        "changed": True,
        "table": done.table,
        "dest": done.dest,
        "source": done.source,
        "rows": done.rows,
        "table_rows": done.of,
        "problems": list(done.problems),
        "seconds": done.seconds,
        "console": lines,
    }
