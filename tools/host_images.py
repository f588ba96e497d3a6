"""Build the images of the hosts in molecule/hosts from Debian packages, one a release, unless podman has them.

The mirror is the one that apt uses on this machine. An image is tagged with a digest of its packages. The
names are printed as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import memory_disk

COMMANDS = {"podman": "podman", "runc": "runc", "mmdebstrap": "mmdebstrap", "ssh": "openssh-client"}
"""The commands that are needed, and the Debian packages that have them."""
DISK = Path("/var/tmp")  # noqa: S108 - unlike /tmp never in memory, and what is put there is made by mkdtemp
ENOUGH_MEMORY = 6 << 30
"""Bytes. Each of the two takes half a gigabyte as a tree, and as much again as an archive."""
COMMON = ("openssh-server", "postgresql", "procps", "python3", "python3-psycopg2", "sudo")
RELEASES = {"trixie": (*COMMON, "postgresql-17-pgvector"), "bookworm": COMMON}


def missing() -> list[str]:
    """The Debian packages whose commands are not in PATH or /usr/sbin."""
    return [package for command, package in COMMANDS.items() if not _found(command)]


def _found(command: str) -> bool:
    return bool(shutil.which(command) or shutil.which(command, path="/usr/sbin"))


def name(release: str) -> str:
    """The name of a release's image; other packages give another name."""
    digest = hashlib.sha256(" ".join(RELEASES[release]).encode()).hexdigest()
    return f"localhost/pgsafe-host-{release}:{digest[:12]}"


def mirror() -> str:
    """The first Debian mirror that apt is configured with."""
    argv = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]
    sites = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    found = [site for site in sites if site.rstrip("/").endswith("/debian")]
    if not found:
        sys.exit("apt is configured without a mirror whose address ends in /debian.")
    return found[0]


def build(release: str) -> None:
    """Make the image of a release. Raises CalledProcessError when mmdebstrap or podman fails."""
    if subprocess.run(["podman", "image", "exists", name(release)], check=False).returncode == 0:
        return
    print(f"Building {name(release)} ...", file=sys.stderr, flush=True)
    place = memory_disk.with_room(ENOUGH_MEMORY, os.ST_NOEXEC | os.ST_NODEV)
    with tempfile.TemporaryDirectory(dir=place or DISK) as directory:
        archive = Path(directory) / "image.tar"
        include = "--include=" + ",".join(RELEASES[release])
        argv = ["mmdebstrap", "--quiet", "--variant=minbase", include, release, str(archive), mirror()]
        subprocess.run(argv, env={**os.environ, "TMPDIR": directory}, check=True)
        subprocess.run(["podman", "import", "--quiet", str(archive), name(release)], check=True, stdout=sys.stderr)


def main() -> int:
    """Build what is missing and print the names; 1 where a command is missing."""
    packages = missing()
    if packages:
        print(f"The hosts need more commands. Run as root: apt-get install {' '.join(packages)}", file=sys.stderr)
        return 1
    with ThreadPoolExecutor() as pool:
        list(pool.map(build, RELEASES))
    print(json.dumps({release: name(release) for release in RELEASES}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
