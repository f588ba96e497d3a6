# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The recovery of single tables as a job."""

from __future__ import annotations

from ..console import tables as console
from ..tables import recover


def run(request: recover.TableRequest) -> dict[str, object]:
    """
    :raises PgsafeError: nothing was recovered; the database is as it was before the call.
    """
    done = recover.run(request)
    return _result(done, console.tables_recovered(done))


def predicted(request: recover.TableRequest) -> dict[str, object]:
    """What would be done, by reading alone.

    :raises PgsafeError: it could not be begun.
    """
    found = recover.plan(request)
    return _result(found, console.tables_foreseen(found, request.swap))


def _result(done: recover.Recovered, lines: list[str]) -> dict[str, object]:
    return {
        "changed": True,
        "database": done.database,
        "schema": done.schema,
        "source": done.source,
        "rows": done.rows,
        **({} if done.replaced is None else {"replaced": {"schema": done.replaced.schema, "rows": done.replaced.rows}}),
        "not_carried": list(done.not_carried),
        "problems": [problem.told for problem in done.problems],
        "seconds": done.seconds,
        "console": lines,
    }
