# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A directory of the controller for the copies of one host, made in an existing one when it is needed."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import FileFailed
from ..ports import files, safe_paths


def require_parent(path: Path) -> None:
    """
    :raises FileFailed: the directory that it is made in does not exist, or cannot be written.
    :raises Refused: another user could replace what is in that.
    """
    top = path.parent
    if not top.is_absolute():
        raise FileFailed(f"{top} is not an absolute path.", remedy="Write its whole path in pg_migrate_copy_to.")
    if not top.is_dir():
        raise FileFailed(
            f"{top} does not exist on the controller.",
            remedy=f"Mount it, or create it there: install -d -m 0700 {top}",
        )
    safe_paths.require(top)
    if not os.access(top, os.W_OK | os.X_OK):
        raise FileFailed(
            f"The user of the controller cannot write to {top}.", remedy=f"Check its owner and mount: ls -ld {top}"
        )


def make(path: Path) -> Path:
    """
    :raises FileFailed, Refused: as :func:`require_parent`.
    """
    require_parent(path)
    files.make_directory(path)
    return path


def foreseen(path: Path) -> Path:
    """The directory, or the one that it would be made in.

    :raises FileFailed, Refused: as :func:`require_parent`.
    """
    require_parent(path)
    return path if path.is_dir() else path.parent
