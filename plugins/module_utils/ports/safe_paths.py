# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether another user could change what is at a path: every directory and link that leads there is looked at.

Owner and mode decide, as for sshd's StrictModes. A POSIX access control list cannot grant more than the group's bits of
the mode, which are its mask: https://man7.org/linux/man-pages/man5/acl.5.html
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import Refused

# As many as Linux follows.
_MOST_LINKS = 40


@dataclass(frozen=True)
class Weakness:
    """:param what: why another user could change it.
    :param remedy: a command.
    """

    what: str
    remedy: str


def require(path: Path) -> None:
    """
    :raises Refused: another user could put something else there, which would then run as us.
    """
    found = weakness(path)
    if found:
        raise Refused(f"Another user could replace what is in {path}: {found.what}.", remedy=found.remedy)


def weakness(path: Path) -> Weakness | None:
    """The first weakness on the way to a path, itself included; None when there is none.

    What is missing has none, and neither has what root or we ourselves have closed to us.
    """
    end = Path(os.path.realpath(path))
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        for step in _steps(path):
            found = _foreign(step) or _writable(step, last=step == end)
            if found:
                return found
    return None


def _steps(path: Path) -> Iterator[Path]:
    """From the root on, each directory and each link, which is then followed.

    :raises Refused: the links never end.
    """
    here, left, links = Path("/"), list(reversed(path.absolute().parts[1:])), 0
    yield here
    while left:
        name = left.pop()
        step = here.parent if name == ".." else here / name
        yield step
        if not step.is_symlink():
            here = step
            continue
        links += 1
        if links > _MOST_LINKS:
            raise Refused(f"{path} leads through too many symbolic links.")
        target = step.readlink()
        here = Path("/") if target.is_absolute() else here
        left += reversed(target.parts[1:] if target.is_absolute() else target.parts)


def _foreign(step: Path) -> Weakness | None:
    owner = step.lstat().st_uid
    if owner in (0, os.geteuid()):
        return None
    ours = _name(os.geteuid())
    return Weakness(f"{step} belongs to {_name(owner)}, not to root or {ours}", f"chown --no-dereference {ours} {step}")


def _writable(step: Path, last: bool) -> Weakness | None:
    """In a directory with the sticky bit on the way, such as /tmp, no user can rename a file of another."""
    facts = step.lstat()
    mode = stat.S_IMODE(facts.st_mode)
    passed = stat.S_ISLNK(facts.st_mode) or (mode & stat.S_ISVTX and not last)
    if passed or not mode & 0o022 or (not mode & 0o002 and _alone_in(facts)):
        return None
    return Weakness(f"{step} can be written by other users (mode {mode:04o})", f"chmod go-w {step}")


def _alone_in(facts: os.stat_result) -> bool:
    """Whether its group is the private group of its owner, who is us: https://wiki.debian.org/UserPrivateGroups"""
    if facts.st_uid == 0:
        return False
    with suppress(KeyError):
        user, group = pwd.getpwuid(facts.st_uid), grp.getgrgid(facts.st_gid)
        return user.pw_gid == group.gr_gid and user.pw_name == group.gr_name and set(group.gr_mem) <= {user.pw_name}
    return False


def _name(uid: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"the user {uid}"
