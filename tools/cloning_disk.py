"""A filesystem that clones files, in a file of its own, for a tablespace: XFS with reflinks behind a loop device."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pgserver

_PROGRAM = "mkfs.xfs"


@contextmanager
def mounted(gigabytes: int) -> Iterator[Path | None]:
    """Its directory, which the server's user owns; None where this machine does not let it be made."""
    user = pgserver.server_user()
    with tempfile.TemporaryDirectory(prefix="pgs", dir="/var/tmp") as place:
        image, directory = Path(place) / "image", Path(place) / "mounted"
        directory.mkdir()
        if user is None or not _mounts(image, directory, gigabytes):
            yield None
            return
        Path(place).chmod(0o755)
        shutil.chown(directory, user.pw_name)
        try:
            yield directory
        finally:
            subprocess.run(["umount", "-l", directory], check=True)


def _mounts(image: Path, directory: Path, gigabytes: int) -> bool:
    if shutil.which(_PROGRAM) is None:
        return False
    with image.open("wb") as file:
        file.truncate(gigabytes << 30)
    made = [[_PROGRAM, "-q", "-m", "reflink=1", str(image)], ["mount", "-o", "loop", str(image), str(directory)]]
    return all(subprocess.run(argv, check=False, capture_output=True).returncode == 0 for argv in made)
