# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Enumerations whose members are the words themselves, in journals, results and messages alike."""

from __future__ import annotations

from enum import Enum


class Word(str, Enum):
    """A member is written, formatted and serialised as its value on every Python from 3.9 on."""

    def __str__(self) -> str:
        return str(self.value)
