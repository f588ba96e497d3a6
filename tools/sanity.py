"""Run `ansible-test sanity --venv` on a copy of the collection, with the ansible-core of one requirements file.

ansible-test wants three things that this script arranges:
- It runs in the copy that tools/collection_tree.py makes.
- It downloads a pip bootstrap script from a host that is no package index. A file of two lines in its cache, which
  takes the pip that Python brings, serves instead.
- Its cache is in the home directory, and it passes on HOME and PATH only. So it gets a home of its own inside the
  virtual environment, with the user's pip settings (which package index) written down there.
"""

from __future__ import annotations

import argparse
import ast
import configparser
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import collection_tree
import controllers
import environments

CORES = ("2.16", "2.19", "2.21")
BOOTSTRAP = "import ensurepip\nensurepip.bootstrap(upgrade=True, default_pip=True)\n"


class SanityError(Exception):
    """The tests could not be started."""


def interpreter_for(core: str) -> str:
    """Give a Python for that ansible-core.

    Raises SanityError when there is none.
    """
    oldest, newest = controllers.PYTHONS[core]
    found = environments.interpreter(oldest, newest)
    if not found:
        raise SanityError(f"ansible-core {core} needs a Python from {oldest} to {newest}, and none was found")
    return found


def prepare_home(environment: Path) -> Path:
    """Make the home directory that ansible-test sees, with the bootstrap script and pip's settings."""
    home = environment / "home"
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"get_pip_{_pip_version(environment).replace('.', '_')}.py").write_text(BOOTSTRAP, encoding="utf-8")
    settings = home / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.touch(mode=0o600)
    with settings.open("w", encoding="utf-8") as stream:
        pip_settings(_pip(environment, "config", "list"), _pip(environment, "cache", "dir")).write(stream)
    return home


def pip_settings(listed: str, cache_dir: str) -> configparser.RawConfigParser:
    """Turn the output of `pip config list` into a pip.conf, environment variables (`:env:`) over files.

    The settings may name a private index with a password in its address: the file is for the caller's eyes only.
    """
    parser = configparser.RawConfigParser()
    parser.add_section("global")
    for prefix in ("global.", "install.", "download.", ":env:."):
        section = "global" if prefix == ":env:." else prefix[:-1]
        for name, value in re.findall(rf"^{re.escape(prefix)}([a-z-]+)=(.*)$", listed, re.MULTILINE):
            if not parser.has_section(section):
                parser.add_section(section)
            parser.set(section, name, str(ast.literal_eval(value)))
    parser.set("global", "quiet", "2")
    if cache_dir.strip():
        parser.set("global", "cache-dir", cache_dir.strip())
    return parser


def _pip(environment: Path, *arguments: str) -> str:
    argv = [str(environment / "bin" / "python"), "-m", "pip", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def _pip_version(environment: Path) -> str:
    """Give the version of pip that ansible-test bootstraps: the script's name in the cache has it."""
    source = next(environment.glob("lib/python3.*/site-packages/ansible_test/_internal/python_requirements.py"))
    found = re.search(r"^ +pip='([0-9.]+)',$", source.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise SanityError(f"{source} names no version of pip any more")
    return found.group(1)


def _minor(python: Path) -> str:
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([str(python), "-c", question], capture_output=True, text=True, check=True).stdout.strip()


def run(core: str, arguments: list[str]) -> int:
    """Run the sanity tests; give ansible-test's exit status. Further arguments are ansible-test's own."""
    environment = environments.environment(f"sanity-{core}", interpreter_for(core))
    home = prepare_home(environment)
    tree = collection_tree.synchronise()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON", "GIT_"))}
    kept |= {"HOME": str(home), "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    program, python = environment / "bin" / "ansible-test", _minor(environment / "bin" / "python")
    argv = [str(program), "sanity", "--venv", "--python", python, "--color", "no", *arguments]
    return subprocess.run(argv, cwd=tree, env=kept, check=False).returncode


def main() -> int:
    """Run for one ansible-core and say how long it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--core", choices=CORES, default="2.19", help="which ansible-core (2.19)")
    arguments, rest = parser.parse_known_args()
    begin = time.monotonic()
    try:
        status = run(arguments.core, rest)
    except (SanityError, collection_tree.TreeError, subprocess.CalledProcessError) as error:
        print(f"sanity: {error}", file=sys.stderr)
        return 1
    verdict = "passed" if status == 0 else f"failed with status {status}"
    print(f"ansible-test sanity with ansible-core {arguments.core} {verdict} in {time.monotonic() - begin:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
