# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A copy that is encrypted in the format age: each file while it is sent, and decrypted while it is fetched.

The target has the public keys alone. So a copy is read back as it is stored, and compared with what was sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..backup_set import manifest as manifests
from ..backup_set.envelope import Envelope
from ..backup_set.manifest import ENVELOPE, MANIFEST, Manifest
from ..errors import BadRequest, FileFailed, NotABackup
from ..ports import age, files
from ..ports.files import Digest
from .copy_source import CopySource, listed

# Of the proof: what it says of the objects of the database is for those who have a key.
_NAMES_OBJECTS = ("not_given_back", "findings")


def stored_name(name: str) -> str:
    return name + age.SUFFIX


def encrypted(source: CopySource, name: str, recipients: tuple[str, ...]) -> Iterator[bytes]:
    """A file of a proven backup as it is stored.

    :raises FileFailed: it is not the file that was proven, or it could not be encrypted.
    :raises BadRequest: a recipient is no public key.
    """
    shown = source.shown_file(name)
    return age.encrypted(files.checked(source.chunks(name), source.files[name], shown), recipients, shown)


def envelope_of(source: CopySource, recipients: tuple[str, ...], stored: Mapping[str, Digest]) -> Envelope:
    """:param stored: the size and SHA-256 of each encrypted file, by its name."""
    manifest = source.manifest
    return Envelope(manifest.run_id, manifest.created, source.database, source.sealed, recipients, stored)


def readable_proof(source: CopySource) -> dict[str, object]:
    """What may be written beside an encrypted copy."""
    return {name: fact for name, fact in source.proof.items() if name not in _NAMES_OBJECTS}


def require_form(shown: str, there: Collection[str], recipients: tuple[str, ...]) -> None:
    """
    :param there: the files of a copy that was made before.
    :raises FileFailed: it is plain although recipients are given, or encrypted although none are.
    """
    if recipients and MANIFEST in there:
        raise FileFailed(f"{shown} was copied there without encryption.", remedy="Move it away, and copy again.")
    if not recipients and MANIFEST not in there and ENVELOPE in there:
        raise FileFailed(
            f"{shown} was copied there encrypted.", remedy="Give age_recipients, or move it away and copy again."
        )


def require_same(shown: str, envelope: Envelope, recipients: tuple[str, ...]) -> None:
    """
    :raises FileFailed: a copy that was made before is for other recipients.
    """
    if set(envelope.recipients) != set(recipients):
        raise FileFailed(
            f"{shown} is encrypted for other recipients: {', '.join(envelope.recipients)}.",
            remedy="Move it away, and copy again.",
        )


@dataclass(frozen=True)
class EncryptedCopy:
    """
    :param shown: where it is, for people.
    :param stored: reads a file as it is stored, by its name there.
    :param identity: the text of an identity file.
    """

    shown: str
    envelope: Envelope
    stored: Callable[[str], Iterable[bytes]]
    identity: str

    def require_identity(self) -> None:
        """
        :raises BadRequest: there is no identity.
        """
        if not self.identity:
            raise BadRequest(
                f"{self.shown} is encrypted, and no key is given.",
                remedy="Give the identity file of one of its recipients as pg_migrate_age_identity: "
                f"{', '.join(self.envelope.recipients)}.",
            )

    def chunks(self, name: str) -> Iterator[bytes]:
        """A file as it was in the backup.

        :raises FileFailed: it is damaged, cannot be read, or is encrypted for others.
        :raises NotABackup: the copy has no such file.
        """
        sealed = stored_name(name)
        if sealed not in self.envelope.files:
            raise NotABackup(f"{self.shown} has no {sealed}.", remedy="Do not trust this backup.")
        shown = f"{self.shown}/{sealed}"
        return age.decrypted(self._unaltered(sealed), self.identity, shown)

    def _unaltered(self, sealed: str) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for chunk in self.stored(sealed):
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != self.envelope.files[sealed].sha256:
            raise FileFailed(f"{self.shown}/{sealed} has another SHA-256 than was stored.")

    def manifest(self) -> Manifest:
        """
        :raises NotABackup: it is not the manifest that was copied.
        :raises FileFailed, BadRequest: as :meth:`chunks`, :meth:`require_identity`.
        """
        self.require_identity()
        content, where = b"".join(self.chunks(MANIFEST)), f"{self.shown}/{stored_name(MANIFEST)}"
        if hashlib.sha256(content).hexdigest() != self.envelope.manifest_sha256:
            raise NotABackup(f"{where} is not the manifest that was copied.", remedy="Do not trust this backup.")
        return manifests.from_json(content.decode(), where)

    def files(self, manifest: Manifest) -> dict[str, str]:
        """The SHA-256 of each plain file, the manifest last; those that the manifest does not list are read for it.

        :raises FileFailed: as :meth:`chunks`.
        """
        known = listed(manifest)
        later = [name for name in manifests.WRITTEN_LATER if stored_name(name) in self.envelope.files]
        digests = {name: self._digest(name) for name in later if name != MANIFEST}
        return {**known, **digests, MANIFEST: self.envelope.manifest_sha256}

    def _digest(self, name: str) -> str:
        digest = hashlib.sha256()
        for chunk in self.chunks(name):
            digest.update(chunk)
        return digest.hexdigest()
