# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a play of the tests has packed of this collection, the next ones need not pack again.

Ansible packs a module with all that it imports once a playbook: three to four seconds of CPU time for a migration, the
same for each of hundreds of plays. Every play still sends the whole archive.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from ansible import constants
from ansible.playbook import Playbook
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__

_OURS = "ansible_collections.pgsafe.migration.*"


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no types
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "packed"

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        # Of a play as another user, or killed just now: it packs for itself.
        with suppress(OSError):
            _mine().mkdir(parents=True, exist_ok=True)
            for archive in _shared().glob(_OURS):
                (_mine() / archive.name).symlink_to(archive)

    def v2_playbook_on_stats(self, stats: object) -> None:
        with suppress(OSError):
            _shared().mkdir(parents=True, exist_ok=True)
            for archive in _mine().glob(_OURS):
                if not archive.is_symlink() and archive.suffix != ".lock":
                    _publish(archive, _shared() / archive.name)


def _publish(archive: Path, place: Path) -> None:
    """Whole, though another play publishes the same."""
    handle, partial = tempfile.mkstemp(dir=place.parent)
    os.close(handle)
    shutil.copyfile(archive, partial)
    Path(partial).replace(place)


def _mine() -> Path:
    return Path(constants.DEFAULT_LOCAL_TMP) / "ansiballz_cache"


def _shared() -> Path:
    """Of one version of Ansible and of Python."""
    return Path(os.environ["PGSAFE_PACKED"]) / f"{__version__}_{platform.python_version()}"
