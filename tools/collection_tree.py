"""Copy the checkout to build/ansible_collections/pgsafe/migration, or pack, install and document the collection.

ansible-test, ansible-lint and imports of `ansible_collections.pgsafe.migration` want this path, and a symbolic link
does not do: the working directory resolves to the checkout. The copy holds what git lists, new files included, and is
brought up to date in place: file times stay, so the caches of mypy and ansible-test stay valid.

The copy is a git repository of its own. Without one ansible-test would find the checkout's, which ignores build/, and
would test no file at all.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BUILD = CHECKOUT / "build"
TREE = BUILD / "ansible_collections" / "pgsafe" / "migration"
KEPT = frozenset({".git", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".ansible"})
"""Directories of the copy that the tools make for themselves; tests/output is kept too."""
OUTPUT = Path("tests/output")


class TreeError(Exception):
    """The collection could not be copied, packed or installed."""


def synchronise() -> Path:
    """Make the copy equal to what git lists in the checkout; give its path."""
    wanted = _listed()
    for relative in wanted:
        _copy(CHECKOUT / relative, TREE / relative)
    for path in _present():
        if path.relative_to(TREE) not in wanted:
            path.unlink()
    _remove_empty_directories()
    if not (TREE / ".git").exists():
        _git(TREE, "init", "--quiet")
    return TREE


def _git(directory: Path, *arguments: str) -> bytes:
    # a caller's GIT_DIR or GIT_INDEX_FILE (a hook's) would point at another repository
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # a checkout of another user's is read, never written
    argv = ["git", "-c", f"safe.directory={directory}", "-C", str(directory), *arguments]
    done = subprocess.run(argv, env=clean, capture_output=True, check=False)
    if done.returncode != 0:
        raise TreeError(f"{' '.join(argv)} ended with status {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def _listed() -> set[Path]:
    """Tracked and new files below the checkout, without the ignored ones and those removed since."""
    output = _git(CHECKOUT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = {Path(os.fsdecode(name)) for name in output.split(b"\0") if name}
    return {name for name in names if (CHECKOUT / name).is_file() or (CHECKOUT / name).is_symlink()}


def _copy(source: Path, target: Path) -> None:
    if target.is_file() and not target.is_symlink() and filecmp.cmp(source, target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _present() -> list[Path]:
    found = []
    for directory, subdirectories, names in os.walk(TREE):
        here = Path(directory)
        subdirectories[:] = [
            name for name in subdirectories if name not in KEPT and here / name != TREE / OUTPUT
        ]
        found += [here / name for name in names]
        found += [here / name for name in subdirectories if (here / name).is_symlink()]
    return found


def _remove_empty_directories() -> None:
    for directory, _subdirectories, _names in os.walk(TREE, topdown=False):
        path = Path(directory)
        if not _kept(path.relative_to(TREE)) and not any(path.iterdir()) and path != TREE:
            path.rmdir()


def _kept(relative: Path) -> bool:
    return not KEPT.isdisjoint(relative.parts) or OUTPUT in (relative, *relative.parents)


def pack() -> None:
    """Build the tarball, install it into an empty path, and let ansible-doc read every module in there.

    Raises TreeError when a step fails or a module has no documentation.
    """
    synchronise()
    dist, installed = BUILD / "dist", BUILD / "installed"
    for directory in (dist, installed):
        shutil.rmtree(directory, ignore_errors=True)
    _ansible("ansible-galaxy", "collection", "build", str(TREE), "--output-path", str(dist))
    tarball = next(dist.glob("*.tar.gz"))
    _ansible("ansible-galaxy", "collection", "install", "--offline", "-p", str(installed), str(tarball))
    modules = sorted((installed / "ansible_collections/pgsafe/migration/plugins/modules").glob("[a-z]*.py"))
    names = [f"pgsafe.migration.{path.stem}" for path in modules]
    if not names:
        raise TreeError(f"{tarball.name} holds no modules")
    documented = json.loads(_ansible("ansible-doc", "--json", "-t", "module", *names))
    missing = [name for name in names if not documented.get(name, {}).get("doc")]
    if missing:
        raise TreeError(f"ansible-doc finds no documentation of {', '.join(missing)}")
    size = tarball.stat().st_size // 1024
    print(f"{tarball.relative_to(CHECKOUT)}: {size} KiB, installs, {len(names)} modules documented")


def _ansible(program: str, *arguments: str) -> str:
    """Run one of the running interpreter's Ansible programs in build/, with no other collection in reach."""
    argv = [str(Path(sys.executable).with_name(program)), *arguments]
    # ANSIBLE_HOME because an ansible-core of another version may have left its state in the user's
    variables = {"ANSIBLE_COLLECTIONS_PATH": str(BUILD / "installed"), "ANSIBLE_HOME": str(BUILD / "ansible-home")}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(argv, cwd=BUILD, env={**clean, **variables}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise TreeError(f"{' '.join(argv)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> int:
    """Copy, and with --pack also build and try the tarball."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pack", action="store_true", help="build the tarball, install it, read every module's page")
    arguments = parser.parse_args()
    try:
        if arguments.pack:
            pack()
        else:
            synchronise()
    except TreeError as error:
        print(f"collection_tree: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
