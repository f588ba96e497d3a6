# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bytecode of this collection, kept on the target from one task to the next.

Ansible ships a module with its imports as a zip archive, and the guard is one too. Python never keeps the bytecode of
what it imports from an archive, and compiles each file twice, once to name it and once to run it: ``get_filename`` and
``get_code`` of https://docs.python.org/3/library/zipimport.html. In a task that imports most of the collection this
takes a quarter of a second of CPU time. After :func:`keep`, what is imported from the same archive is compiled once and
kept in ``~/.cache/pgsafe`` under a digest of its source: all modules share it, and changed code has another name.

A directory that another user could write to is not used, and neither is a file that was cut off or altered. Where
nothing can be kept, each process compiles what it imports.
"""

from __future__ import annotations

import gc
import hashlib
import importlib.abc
import importlib.util
import marshal
import os
import pwd
import sys
import time
import zipimport
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType

DIRECTORY = (".cache", "pgsafe")

_PYTHON = importlib.util.MAGIC_NUMBER + bytes([sys.flags.optimize])
_DIGEST_BYTES = hashlib.sha256().digest_size
# Bytecode that is older belongs to another version, or is made anew.
_OLD_SECONDS = 30 * 86400.0


class Cache:
    """Files in a directory that is this user's alone, by name. Where it cannot be had, it is empty and stays so.

    :param home: an existing directory, in which that directory is made.
    """

    def __init__(self, home: Path) -> None:
        self._directory: int | None = None
        self._swept = False
        with suppress(OSError):
            self._directory = _private(home)

    def read(self, name: str) -> bytes | None:
        """What was written under this name; None for nothing, and for what is damaged."""
        if self._directory is None:
            return None
        with suppress(OSError):
            with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self._directory), "rb") as file:
                data = file.read()
            if hashlib.sha256(data[_DIGEST_BYTES:]).digest() == data[:_DIGEST_BYTES]:
                return data[_DIGEST_BYTES:]
        return None

    def write(self, name: str, data: bytes) -> None:
        """Neither synced nor certain: what is lost is compiled again."""
        if self._directory is None:
            return
        partial = f"{name}.{os.getpid()}"
        with suppress(OSError):
            self._sweep(self._directory)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            try:
                with os.fdopen(os.open(partial, flags, 0o600, dir_fd=self._directory), "wb") as file:
                    file.write(hashlib.sha256(data).digest() + data)
                os.replace(partial, name, src_dir_fd=self._directory, dst_dir_fd=self._directory)
            except OSError:
                os.unlink(partial, dir_fd=self._directory)

    def _sweep(self, directory: int) -> None:
        """Once a process, remove what is old."""
        if not self._swept:
            self._swept = True
            oldest = time.time() - _OLD_SECONDS
            with os.scandir(directory) as entries:
                for name in [entry.name for entry in entries if entry.stat(follow_symlinks=False).st_mtime < oldest]:
                    os.unlink(name, dir_fd=directory)


def _private(home: Path) -> int | None:
    """The open directory; None when another user could write to it.

    :raises OSError: there is none, and none can be made.
    """
    path = home
    for name in DIRECTORY:
        path /= name
        path.mkdir(mode=0o700, exist_ok=True)
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    found = os.fstat(directory)
    if found.st_uid == os.geteuid() and not found.st_mode & 0o077:
        return directory
    os.close(directory)
    return None


class Importer(zipimport.zipimporter, importlib.abc.InspectLoader):
    """An importer of one directory of an archive.

    :param path: of the directory, as it is on ``sys.path`` or in the ``__path__`` of a package.
    :param cache: where bytecode is looked for and kept.
    """

    def __init__(self, path: str, cache: Cache) -> None:
        super().__init__(path)
        self._cache = cache

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        try:
            return importlib.util.spec_from_file_location(fullname, self.get_filename(fullname), loader=self)
        except ImportError:
            return None

    def get_filename(self, fullname: str) -> str:
        return f"{self.archive}/{self._member(fullname)}"

    def get_code(self, fullname: str) -> CodeType:
        """Tracebacks show the name inside the archive, whose own is another one for each task."""
        member = self._member(fullname)
        source = self.get_data(member)
        name = hashlib.sha256(_PYTHON + member.encode() + b"\0" + source).hexdigest()
        kept = self._cache.read(name)
        if kept is not None:
            found: CodeType = marshal.loads(kept)  # noqa: S302  # the directory is this user's alone
            return found
        made = compile(source, member, "exec", dont_inherit=True)
        if not sys.dont_write_bytecode:
            self._cache.write(name, marshal.dumps(made))
        return made

    def _member(self, fullname: str) -> str:
        """
        :raises ImportError: the archive has no such module.
        """
        path = f"{self.prefix}{fullname.rpartition('.')[2]}"
        return f"{path}/__init__.py" if self.is_package(fullname) else f"{path}.py"


def keep() -> None:
    """Import what follows of this archive by an :class:`Importer`; where this file is in none, do nothing.

    None of it is garbage, so the collector, which takes a tenth of that time, rests until :func:`imported`.
    """
    if not isinstance(getattr(__spec__, "loader", None), zipimport.zipimporter):
        return
    gc.disable()
    cache, above = Cache(Path(pwd.getpwuid(os.geteuid()).pw_dir)), str(Path(__file__).parent)

    def importer(path: str) -> Importer:
        if not path.startswith(above):
            raise ImportError(path)
        return Importer(path, cache)

    sys.path_hooks.insert(0, importer)
    sys.path_importer_cache.pop(above, None)


def imported() -> None:
    """All that the program needs is imported, and never looked through again; what follows is collected as ever."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
