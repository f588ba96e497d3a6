# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a fleet report on the controller: a directory for each play, named by its beginning."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from ..module_utils.errors import FileFailed
from ..module_utils.ports import files
from . import fleet_junit, fleet_page

# Below the directory of the controller's logs.
DIRECTORY = "reports"


def _json(report: Mapping[str, Any]) -> str:
    return json.dumps(report, indent=1) + "\n"


# By the format, the name of its file and how it is made.
FORMATS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "html": ("report.html", fleet_page.html),
    "json": ("report.json", _json),
    "junit": ("junit.xml", fleet_junit.xml),
}


def write(directory: Path, formats: Sequence[str], report: Mapping[str, Any]) -> Path:
    """The directory of this report.

    :param directory: of all reports; it and its parent are made.
    :raises FileFailed: the filesystem refused.
    """
    for place in (directory.parent, directory):
        if not place.is_dir():
            files.make_directory(place)
    made = _claimed(directory, re.sub("[-:Z]", "", str(report["began"])).replace("T", "_"))
    for name, make in (FORMATS[word] for word in formats):
        files.replace_text(made / name, make(report))
    return made


def _claimed(directory: Path, stamp: str) -> Path:
    """Two plays may begin in the same second."""
    names = (stamp if number == 1 else f"{stamp}_{number}" for number in count(1))
    return next(place for place in (directory / name for name in names) if files.make_directory(place))


def unwritable(error: FileFailed) -> str:
    return f"The report of the run could not be written on the controller: {error.what}"
