# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an audit finds, and how the keys of offending rows are shown: never by a person's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SEVERITIES = (ERROR, WARNING, INFO) = ("error", "warning", "info")

# The rule that a finding is of when another rule could not look; its subject begins with that rule's name.
NOT_LOOKED_AT = "not_looked_at"


@dataclass(frozen=True)
class Finding:
    """One offending object, or the rows that offend in it.

    :param subject: the object, quoted as SQL wants it; empty for a rule of the user's own.
    :param count: of the rows; 1 when the object itself offends.
    :param samples: the first keys of those rows, masked.
    :param waived: why it was waived; empty where it was not.
    """

    rule: str
    severity: str
    subject: str
    what: str
    remedy: str
    count: int = 1
    samples: tuple[str, ...] = ()
    waived: str = ""

    @property
    def key(self) -> str:
        """What tells a finding from one that was there before."""
        return key_of(self.rule, self.subject)

    @property
    def blocks(self) -> bool:
        return self.severity == ERROR and not self.waived


def key_of(rule: str, subject: str) -> str:
    return f"{rule} {subject}".rstrip()


def masked(key: Any) -> str:
    """The key of a row as it may be shown: numbers as they are, of a text its first character and its length.

    :param key: as JSON has it: a value, a list of the key's columns, or ``{"ctid": "(0,1)"}`` for a row without a key.
    """
    if isinstance(key, Mapping):
        return f"row {key['ctid']}" if set(key) == {"ctid"} else f"{{…}}({len(key)})"
    if isinstance(key, list):
        return masked(key[0]) if len(key) == 1 else f"({', '.join(masked(part) for part in key)})"
    if isinstance(key, str):
        return f"{key[:1]}…({len(key)})"
    return "null" if key is None else str(key).lower()
