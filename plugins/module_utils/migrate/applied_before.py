# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file that was applied once is not applied again because its set has grown or was edited; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.applied_files import AppliedFile


def require_none(applied: Sequence[AppliedFile], sums: Mapping[str, str], apply_again: Mapping[str, str]) -> None:
    """
    :param applied: what the database's record holds, the newest last.
    :param sums: the SHA-256 of each file of the set by name.
    :param apply_again: by the name of a file, why it is to run although it was applied before.
    :raises BadRequest: a file is named there that is not in the set, or without a reason.
    :raises Refused: a file was applied before, under this name or another, or has changed since.
    """
    _require_reasons(sums, apply_again)
    findings = list(_findings(applied, {name: sum_ for name, sum_ in sums.items() if name not in apply_again}))
    if findings:
        raise Refused(
            f"Refusing to apply files twice: {'; '.join(findings)}.",
            remedy="Name the files that are still to be applied in pg_migrate_files, or keep a directory for each "
            "release. To run one of them again: pg_migrate_apply_again: {FILE: reason}",
        )


def _require_reasons(sums: Mapping[str, str], apply_again: Mapping[str, str]) -> None:
    for name, reason in apply_again.items():
        if sums and name not in sums:
            raise BadRequest(f"pg_migrate_apply_again names {name}, which is not in the migration set.")
        if not str(reason or "").strip():
            raise BadRequest(f"pg_migrate_apply_again gives no reason for {name}.")


def _findings(applied: Sequence[AppliedFile], sums: Mapping[str, str]) -> Iterator[str]:
    by_name = {file.name: file for file in applied}
    by_sum = {file.sha256: file for file in applied}
    for name, digest in sums.items():
        before = by_name.get(name)
        if before and before.sha256 == digest:
            yield f"{name} was applied by the run {before.run_id}"
        elif before:
            yield (
                f"{name} has changed since the run {before.run_id} applied it "
                f"(SHA-256 {before.sha256[:12]}… then, {digest[:12]}… now)"
            )
        elif digest in by_sum:
            yield f"{name} was applied as {by_sum[digest].name} by the run {by_sum[digest].run_id}"
