# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What became of unfinished runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..names import quoted
from ..text import FORESEEN, TICK, size

if TYPE_CHECKING:
    from ..restore.recover import Recovered


def recover(found: Recovered, foreseen: bool) -> list[str]:
    lines = [f"{FORESEEN if foreseen else TICK} {line}" for line in found.done]
    lines += [f"[warning] {warning}" for warning in found.warnings]
    return lines + [
        f"[info] The database {name} ({size(bytes_kept)}) is kept from a rollback; when it is no longer needed: "
        f"DROP DATABASE {quoted(name)}"
        for name, bytes_kept in found.kept.items()
    ]
