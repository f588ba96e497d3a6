"""A filesystem in memory, where files are made much faster than on some disks."""

from __future__ import annotations

import os
from pathlib import Path

PLACE = Path("/dev/shm")  # noqa: S108 - what is put there is made by mkdtemp


def with_room(enough: int, refused: int = os.ST_NOEXEC) -> Path | None:
    """The filesystem in memory; None where it is missing, too small, or mounted in a way that will not do.

    :param enough: bytes that have to be free in it and in the machine's memory.
    :param refused: flags of the mount, as os.statvfs() gives them.
    """
    try:
        found = os.statvfs(PLACE)
    except FileNotFoundError:
        return None
    usable = os.access(PLACE, os.W_OK) and not found.f_flag & refused
    return PLACE if usable and min(found.f_bavail * found.f_frsize, _available()) >= enough else None


def _available() -> int:
    """Bytes; 0 where the kernel does not say."""
    try:
        said = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    except FileNotFoundError:
        return 0
    return int(said.get("MemAvailable", "0 kB").split()[0]) * 1024
