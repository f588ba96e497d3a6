# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers of the tests' own, one a major for the whole session; a database of its own for each test."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import JOURNAL, Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.state import fold
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.object_store import Store
from ansible_collections.pgsafe.migration.tests.server import leftovers, matrix, sshd, support
from ansible_collections.pgsafe.migration.tests.server.forgery import verified
from ansible_collections.pgsafe.migration.tests.server.matrix import Setting
from ansible_collections.pgsafe.migration.tests.server.object_server import ObjectServer, serving
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import EXAMPLE, SMALL, Database, can_mount, databases

import controllers
import memory_disk
import pgserver

INSTALLATIONS = {installation.major: installation for installation in pgserver.find_installations()}
NEWEST = max(INSTALLATIONS)
TEMPLATES = {"small", "sample"}
_LOADED: set[tuple[Path, str]] = set()
_NUMBERS = itertools.count(1)
_LEFT = """
SELECT json_build_array((SELECT json_agg(datname) FROM pg_database),
       (SELECT COALESCE(json_agg(json_build_array(database, gid)), '[]') FROM pg_prepared_xacts))
"""
ENOUGH_MEMORY = 8 << 30
"""Bytes. The servers and backups of three workers take up to a quarter of it."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "every_major: on every server with its extensions, not on the newest alone")
    config.addinivalue_line("markers", "oldest: on the oldest server with its extensions in place of the newest")
    config.addinivalue_line("markers", "every_server: also on those that come without PostgreSQL's own extensions")
    config.addinivalue_line("markers", "full_disk: needs to mount small filesystems")
    config.addinivalue_line("markers", "container: needs to make a namespace of processes, as a container is")
    config.addinivalue_line("markers", "other_user: needs root, who can give files to another user")
    config.addinivalue_line("markers", "over_ssh: needs an SSH server to start")
    config.addinivalue_line("markers", "long: of make test-exhaustive; make test has a shorter one, or tests its parts")
    config.addinivalue_line("markers", "leaves(what): ends with processes of its run, or behind a fence, for a reason")
    if "TMPDIR" not in os.environ and (memory := memory_disk.with_room(ENOUGH_MEMORY)):
        # A database is three hundred files.
        os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="pgs", dir=memory)
        Path(tempfile.tempdir).chmod(0o1777)
        config.add_cleanup(partial(shutil.rmtree, tempfile.tempdir, ignore_errors=True))
    if "PGSAFE_PACKED" not in os.environ:
        os.environ["PGSAFE_PACKED"] = tempfile.mkdtemp(prefix="pgs_packed")
        config.add_cleanup(partial(shutil.rmtree, os.environ["PGSAFE_PACKED"], ignore_errors=True))
    # In the background SIGINT is ignored, and behind nohup SIGHUP; so it would be by all that a test is to interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        majors = _majors(metafunc.definition)
        metafunc.parametrize("server", majors, indirect=True, ids=[f"pg{major}" for major in majors], scope="session")


def _majors(test: pytest.Item) -> list[int]:
    if test.get_closest_marker("every_server"):
        return sorted(INSTALLATIONS, reverse=True)
    whole = [major for major in sorted(INSTALLATIONS, reverse=True) if not INSTALLATIONS[major].bare]
    if test.get_closest_marker("every_major"):
        return whole
    return whole[-1:] if test.get_closest_marker("oldest") else [NEWEST]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What the machine lacks is not collected; the last lines say so."""
    with tempfile.TemporaryDirectory() as directory:
        there = {
            "full_disk": can_mount(Path(directory) / "disk"),
            "container": support.can_contain(),
            "over_ssh": not sshd.MISSING,
            "other_user": os.geteuid() == 0,
        }
    missing = [marker for marker, found in there.items() if not found]
    lacking = [item for item in items if any(item.get_closest_marker(marker) for marker in missing)]
    if lacking:
        config.hook.pytest_deselected(items=lacking)
    items[:] = [item for item in items if item not in lacking]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Generator[None, None, None]:
    """A play that is over leaves nobody at work on its run, and no database behind a fence."""
    controller, server = item.funcargs.get("ansible"), item.funcargs.get("server")
    if not isinstance(controller, Ansible):
        return (yield)
    try:
        yield
        if not item.get_closest_marker("leaves"):
            leftovers.require_none(controller.home.parent, server if isinstance(server, pgserver.Server) else None)
    finally:
        leftovers.end(controller.home.parent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    write_tried(terminalreporter)
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


def write_tried(terminalreporter: pytest.TerminalReporter) -> None:
    """What was tried, and what this machine lacks."""
    terminalreporter.write_line(f"PostgreSQL servers tried: {', '.join(map(str, sorted(INSTALLATIONS)))}")
    missing = [core for core in controllers.PYTHONS if core not in controllers.found()]
    lacking = f"; without a Python for {', '.join(missing)}" if missing else ""
    terminalreporter.write_line(f"ansible-core tried: {', '.join(sorted(controllers.found()))}{lacking}")
    if sshd.MISSING:
        terminalreporter.write_line(f"Not tried: plays over ssh, for want of {' and '.join(sshd.MISSING)}")
    if not sshd.SUDO:
        terminalreporter.write_line("Not tried: plays over ssh with sudo, for want of a sudo that asks nothing")
    with tempfile.TemporaryDirectory() as directory:
        if not can_mount(Path(directory) / "disk"):
            terminalreporter.write_line("Not tried: full disks, which need the right to mount a tmpfs")
    if os.geteuid() != 0:
        terminalreporter.write_line("Not tried: files of another user, for want of root")
    if not support.can_contain():
        terminalreporter.write_line("Not tried: a container that ends with the job, for want of the right to unshare")


@pytest.fixture(scope="session")
def running() -> Iterator[Callable[[int], pgserver.Server]]:
    """Starts the server of a major when it is first asked for."""
    started: dict[int, pgserver.Server] = {}

    def give(major: int) -> pgserver.Server:
        if major not in started:
            started[major] = _start(major)
        return started[major]

    yield give
    for server in started.values():
        server.destroy()
        shutil.rmtree(server.home, ignore_errors=True)


def _start(major: int) -> pgserver.Server:
    home = Path(tempfile.mkdtemp(prefix="pgs"))
    server = pgserver.Server(INSTALLATIONS[major], home, tcp=True, fsync=False)
    server.create()
    with (server.data_dir / "postgresql.conf").open("a") as settings:
        settings.write("max_prepared_transactions = 5\nautovacuum = off\nwal_level = logical\n")
    server.start()
    return server


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, running: Callable[[int], pgserver.Server]) -> pgserver.Server:
    return running(request.param)


@pytest.fixture
def clone(server: pgserver.Server) -> Iterator[Callable[[str], Database]]:
    """Databases of the test's own, from a template; dropped at the end with all that runs put beside them."""
    made: list[str] = []

    def make(template: str) -> Database:
        made.append(f"app{next(_NUMBERS)}")
        server.psql(f"CREATE DATABASE {made[-1]} TEMPLATE {template}")
        return Database(server, made[-1])

    before = databases(server) | TEMPLATES
    yield make
    there, prepared = json.loads(server.psql(_LEFT))
    for database, name in prepared:
        server.psql(f"ROLLBACK PREPARED '{name}'", database)
    quoted = (name.replace('"', '""') for name in set(there) - before)
    server.psql("".join(f'DROP DATABASE "{name}" WITH (FORCE);\n' for name in quoted))


@pytest.fixture
def database(server: pgserver.Server, clone: Callable[[str], Database]) -> Database:
    """A small schema with one of each: identity, partitions, odd names, a function, a view."""
    _template(server, "small", lambda: server.psql(SMALL, "small"))
    return clone("small")


@pytest.fixture
def sample(server: pgserver.Server, clone: Callable[[str], Database]) -> Database:
    """The whole sample application."""
    _template(server, "sample", lambda: _load_sample(server))
    return clone("sample")


def _template(server: pgserver.Server, name: str, load: Callable[[], object]) -> None:
    """Made when it is first needed on this server.

    With a checkpoint: a crash in a later test would leave its sequences where the log has them, up to 32 further on.
    """
    if (server.home, name) not in _LOADED:
        server.psql(f"CREATE DATABASE {name} TEMPLATE template0")
        load()
        server.psql("CHECKPOINT")
        _LOADED.add((server.home, name))


def _load_sample(server: pgserver.Server) -> None:
    vector = server.psql("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == "1"
    setting = "on" if vector else "off"
    generate = [sys.executable, str(EXAMPLE / "generate.py"), "--vector", setting]
    rows = subprocess.run(generate, capture_output=True, check=True).stdout
    psql = [str(server.bin_dir / "psql"), "-X", "-q", "-o", os.devnull, "-v", "ON_ERROR_STOP=1", "-d", "sample"]
    env = {**os.environ, **server.environment()}
    subprocess.run([*psql, "-1", "-v", f"vector={setting}", "-f", str(EXAMPLE / "schema.sql")], env=env, check=True)
    subprocess.run(psql, env=env, input=rows, check=True)


@pytest.fixture(autouse=True)
def _regular_journals(tmp_path: Path) -> Iterator[None]:
    """Every journal that a real run writes keeps to the table of transitions, at every prefix."""
    yield
    for path in tmp_path.rglob(JOURNAL):
        entries = Journal(path.parent).entries()
        assert fold(entries).irregular == (), [entry.event.value for entry in entries]


@pytest.fixture
def backup_root(tmp_path: Path) -> Path:
    directory = tmp_path / "backups"
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture
def backup(database: Database, backup_root: Path) -> Path:
    """A backup that was proven by a restore."""
    directory = support.back_up(database, backup_root).directory
    assert verified(database, directory, "restore").findings == ()
    return directory


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """An object store."""
    with serving(tmp_path_factory.mktemp("object_server")) as found:
        yield found


@pytest.fixture
def bucket(objects: ObjectServer, request: pytest.FixtureRequest) -> str:
    """A bucket of the test's own, in a store that does not fail."""
    name = f"t{abs(hash(request.node.nodeid))}"
    objects.client().create_bucket(Bucket=name)
    objects.fail()
    return name


@pytest.fixture
def store(objects: ObjectServer, bucket: str) -> Store:
    """A prefix that takes care to quote."""
    return Store(objects.address(bucket, "fleet ä+&/db1"))


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the cluster's user can enter, whoever runs the tests."""
    directory = Path(tempfile.mkdtemp(prefix="pgs"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def logins() -> Iterator[sshd.Sshd]:
    with sshd.started() as server:
        yield server


@pytest.fixture
def controller(ansible: Ansible, request: pytest.FixtureRequest) -> Callable[[Setting], Ansible]:
    """An Ansible of some version, that connects in some way."""

    def make(setting: Setting) -> Ansible:
        chosen = replace(ansible, programs=controllers.found()[setting.core])
        if setting.connection == matrix.LOCAL:
            return chosen
        return matrix.over_ssh(chosen, request.getfixturevalue("logins"), setting.connection)

    return make


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    home = tmp_path / "controller"
    home.mkdir()
    (home / "ansible.cfg").touch()
    return Ansible(home)
