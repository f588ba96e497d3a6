# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fetches what is not ours from package archives into build/foreign/, where later runs find it.

The SQL of public databases, and dbmate.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from ansible_collections.pgsafe.migration.tests.server.support import TREE

CACHE = TREE.parents[2] / "foreign"
MBDATA = "mbdata==31.0.1"
ZABBIX = "zabbix-server-pgsql"
DBMATE = "dbmate@2.36.0"
# Debian's releases with source packages of PostgreSQL that this machine's own release may lack.
LATER_RELEASES = ("trixie", "sid")
OLDEST_MAJOR = 13


class NotFetched(Exception):
    """A package is neither in the cache nor in reach; the message says what to install."""


def regression_files(version: str) -> Path:
    """PostgreSQL's src/test/regress for a server's version, ``15.18``.

    Debian has the sources of some majors only; a server of another one gets the files of the next older major.
    """
    name = f"regress-{version}"
    return _kept(name, lambda place: _extract_regression_files(_fetch_source(version), place / name))


def musicbrainz_files() -> Path:
    """The SQL of MusicBrainz."""
    return _kept("mbdata", _fetch_musicbrainz) / "sql"


def zabbix_files() -> Path:
    """schema.sql.gz, images.sql.gz and data.sql.gz of Zabbix."""
    return _kept(ZABBIX, _fetch_zabbix)


def dbmate() -> Path:
    """The program of dbmate."""
    return _kept("dbmate", _fetch_dbmate) / "node_modules" / ".bin" / "dbmate"


def _kept(name: str, fetch: Callable[[Path], None]) -> Path:
    """A directory of the cache; it gets its name when it is whole."""
    directory = CACHE / name
    if not directory.exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            fetch(Path(place))
            shutil.move(Path(place) / name, directory)
    return directory


def _fetch_musicbrainz(place: Path) -> None:
    remedy = f"Give pip an index that has {MBDATA}."
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    _run([*pip, "--no-compile", f"--target={place}", MBDATA], place, remedy)


def _fetch_dbmate(place: Path) -> None:
    remedy = f"Install npm (Debian: apt-get install npm), and give it a registry that has {DBMATE}."
    directory = place / "dbmate"
    directory.mkdir()
    _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix=.", DBMATE], directory, remedy)


def _fetch_zabbix(place: Path) -> None:
    remedy = f"Install apt-get and dpkg, give them Debian's archive, and run: apt-get update (needed: {ZABBIX})"
    _run(["apt-get", "download", "--quiet", ZABBIX], place, remedy)
    (package,) = place.glob("*.deb")
    _run(["dpkg", "--extract", str(package), "unpacked"], place, remedy)
    shutil.move(place / "unpacked" / "usr" / "share" / ZABBIX, place / ZABBIX)


def _fetch_source(version: str) -> Path:
    """The tarball of PostgreSQL's source package that is nearest to the version and still to be had."""
    CACHE.mkdir(exist_ok=True)
    remedy = (
        f"Install apt-get, give it Debian's archive, and run: apt-get update (needed: source of PostgreSQL {version})"
    )
    refused: Exception = NotFetched(
        f"Debian's archive has no source package of PostgreSQL {version} or older. {remedy}"
    )
    for package, upstream in _sources(version, remedy):
        try:
            _apt("apt-get", "source", "--download-only", "--only-source", f"{package}={upstream}", remedy=remedy)
        except NotFetched as error:
            refused = error
            continue
        (tarball,) = CACHE.glob(f"{package}_{upstream.partition('-')[0]}.orig.tar.*z*")
        return tarball
    raise refused


def _sources(version: str, remedy: str) -> list[tuple[str, str]]:
    """Package and version, the nearest first: the server's minor, its major's others, the next older major's."""
    lines = [f"deb-src {uri} {release} {component}" for uri, release, component in _archives(remedy)]
    (CACHE / "sources.list").write_text("\n".join(lines) + "\n")
    _apt("apt-get", "update", "--quiet", remedy=remedy)
    found = []
    for major in range(int(version.partition(".")[0]), OLDEST_MAJOR - 1, -1):
        shown = _apt("apt-cache", "showsrc", f"postgresql-{major}", remedy=remedy, may_fail=True)
        versions = set(re.findall(rf"^Package: postgresql-{major}\n(?:.+\n)*?Version: (\S+)", shown, re.MULTILINE))
        newest = sorted(versions, key=lambda one: [int(number) for number in re.findall(r"\d+", one)], reverse=True)
        own = [one for one in newest if one.partition("-")[0] == version]
        found += [(f"postgresql-{major}", one) for one in [*own, *(one for one in newest if one not in own)]]
    return found


def _archives(remedy: str) -> list[list[str]]:
    """Those of Debian that this machine uses, and its later releases."""
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    shown = _run(["apt-get", "indextargets", "--format", form, "Created-By: Packages", "Origin: Debian"], CACHE, remedy)
    own = [line.split() for line in sorted(set(shown.splitlines()))]
    if not own:
        raise NotFetched(f"apt-get on this machine knows no archive of Debian. {remedy}")
    later = [[uri, later, part] for uri, release, part in own if "-" not in release for later in LATER_RELEASES]
    return [*own, *later]


def _apt(program: str, *arguments: str, remedy: str, may_fail: bool = False) -> str:
    """apt with lists of its own: the machine's are left alone, and root is not needed."""
    (CACHE / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (CACHE / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    options = {
        "Dir::Etc::sourcelist": CACHE / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": CACHE / "lists",
        "Dir::Cache": CACHE,
        "Debug::NoLocking": "true",
        "APT::Sandbox::User": "root",
    }
    given = [f"--option={name}={value}" for name, value in options.items()]
    return _run([program, *given, *arguments], CACHE, remedy, may_fail)


def _extract_regression_files(tarball: Path, directory: Path) -> None:
    with tarfile.open(tarball) as archive:
        for member in archive:
            _version, _slash, path = member.name.partition("/")
            if path.startswith("src/test/regress/") and member.isfile():
                content = archive.extractfile(member)
                file = directory / path.removeprefix("src/test/regress/")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content.read() if content else b"")


def _run(argv: list[str], directory: Path, remedy: str, may_fail: bool = False) -> str:
    try:
        done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotFetched(f"{error}. {remedy}") from error
    if done.returncode and not may_fail:
        raise NotFetched(f"{' '.join(argv)} ended with status {done.returncode}: {done.stderr.strip()}\n{remedy}")
    return done.stdout
