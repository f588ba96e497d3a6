# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of the controller that a variable names: absolute, or relative to the inventory, then to the playbook."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..module_utils.errors import BadRequest


def located(name: str, bases: Sequence[str | None], what: str, option: str) -> Path:
    """
    :param what: what it is, for the message.
    :param option: the variable or option that names it.
    :raises BadRequest: it is at none of its places.
    """
    path = Path(name).expanduser()
    candidates = [path] if path.is_absolute() else [Path(base) / path for base in bases if base]
    for candidate in candidates:
        if candidate.exists():
            return candidate.resolve()
    looked = ", ".join(dict.fromkeys(map(str, candidates)))
    raise BadRequest(f"There is no {what} at {looked}.", remedy=f"Check {option}.")
