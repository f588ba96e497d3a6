# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guard's own copy of the collection's code: Ansible removes what it ships before the guard has ended.

Only this collection's files are copied. Ansible's own payload puts a path on ``sys.path`` that is gone by then,
and that another user could create again.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from .. import bytecode

_PACKAGES = ("", "/pgsafe", "/pgsafe/migration", "/pgsafe/migration/plugins", "/pgsafe/migration/plugins/module_utils")
_MAIN = """from {utilities} import bytecode
bytecode.keep()
from {entry} import main
bytecode.imported()
main()
"""
_WANTED = "ansible_collections/pgsafe/migration/plugins/module_utils/"


def packed(entry: str) -> bytes:
    """A program that Python runs as it is: https://docs.python.org/3/library/zipapp.html

    :param entry: the module whose ``main()`` the program runs. The caller names it in an import, so that Ansible has
        shipped it with all that it imports.
    """
    archive = getattr(getattr(__spec__, "loader", None), "archive", None)
    found = dict(_of_archive(Path(archive)) if archive else _of_tree(Path(__file__).resolve().parent.parent))
    for package in _PACKAGES:
        found.setdefault(f"ansible_collections{package}/__init__.py", b"")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name in sorted(found):
            target.writestr(_entry(name), found[name])
        target.writestr(_entry("__main__.py"), _MAIN.format(utilities=bytecode.__package__, entry=entry))
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """Without a time, so that equal code gives equal bytes. Not compressed, which would take longer than the rest."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def _of_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as source:
        for name in source.namelist():
            if name.startswith(_WANTED) and name.endswith(".py"):
                yield name, source.read(name)


def _of_tree(utilities: Path) -> Iterator[tuple[str, bytes]]:
    for path in utilities.rglob("*.py"):
        yield f"{_WANTED}{path.relative_to(utilities)}", path.read_bytes()
