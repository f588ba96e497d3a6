# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only importer of boto3: the objects of a bucket of Amazon S3, or of a store with its interface."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import FileFailed
from ..model import StoreAddress

BUFFER_BYTES = 1 << 20
# An object that is larger is sent in parts of this size; boto3 takes larger ones where 10,000 would not do.
PART_BYTES = 16 << 20
# An object has at most 10,000: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_PARTS = 9_000

_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 10, 60, 4
# How often the same byte of an object is asked for again after a connection was lost.
_RESUMES = 3

_CREDENTIALS = "Check access_key, secret_key and session_token, and the clock of the target."
_REMEDIES = {
    "NoSuchBucket": "Create the bucket, or check url.",
    "AccessDenied": (
        "Allow these credentials s3:ListBucket, s3:ListBucketMultipartUploads, s3:GetObject, s3:PutObject, "
        "s3:DeleteObject and s3:AbortMultipartUpload below url."
    ),
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "ExpiredToken": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "RequestTimeTooSkewed": _CREDENTIALS,
    "InvalidObjectState": "Restore the object from its archive storage class first.",
}
# What a store answers of one object, and not of the request.
_OF_ONE_OBJECT = ("NoSuchKey", "InvalidObjectState")
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")


class ObjectFailed(FileFailed):
    """The store works, and has refused to read one object: it is gone, or archived."""


@dataclass(frozen=True)
class StoredObject:
    """:param modified: when it was written, by the clock of the store."""

    size: int
    modified: datetime


class Store:
    """The objects below an address, by their names relative to it.

    :raises FileFailed: boto3 is not installed on the target, or cannot use the address.
    """

    def __init__(self, address: StoreAddress) -> None:
        require_client()
        self.address = address
        with self._asking("The store cannot be used"):
            self._client = _client(address)

    def objects(self, under: str = "") -> dict[str, StoredObject]:
        """Every object below a name, by its name relative to that.

        :raises FileFailed: the store refused, or did not answer.
        """
        begin = self._begin(under)
        with self._asking(f"{self.address.of(under)} could not be listed"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.address.bucket, Prefix=begin)
            return {
                entry["Key"][len(begin) :]: StoredObject(entry["Size"], entry["LastModified"])
                for page in pages
                for entry in page.get("Contents", ())
            }

    def probe(self) -> None:
        """
        :raises FileFailed: the store refused, or did not answer.
        """
        with self._asking("The store could not be listed"):
            self._client.list_objects_v2(Bucket=self.address.bucket, Prefix=self._begin(""), MaxKeys=1)

    def uploads(self, under: str) -> dict[tuple[str, str], datetime]:
        """The unfinished uploads in parts below a name: the relative name and the id of each, and when it was begun.

        :raises FileFailed: the store refused, or did not answer.
        """
        begin = self._begin(under)
        with self._asking(f"The unfinished uploads below {self.address.of(under)} could not be listed"):
            paginator = self._client.get_paginator("list_multipart_uploads")
            return {
                (entry["Key"][len(begin) :], entry["UploadId"]): entry["Initiated"]
                for page in paginator.paginate(Bucket=self.address.bucket, Prefix=begin)
                for entry in page.get("Uploads", ())
            }

    def abort_uploads(self, under: str) -> None:
        """
        :raises FileFailed: the store refused, or did not answer.
        """
        for name, upload in self.uploads(under):
            with self._asking(f"The unfinished upload of {self.address.of(f'{under}/{name}')} could not be aborted"):
                self._client.abort_multipart_upload(**self._named(f"{under}/{name}"), UploadId=upload)

    def send_file(self, source: Path, name: str) -> None:
        """Send a file as it is; a large one in parts, which are aborted when one of them fails.

        :raises FileFailed: the store refused, or did not answer; or the file cannot be read.
        """
        from boto3.s3.transfer import TransferConfig

        parts = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=4)
        named = self._named(name)
        with self._asking(f"{self.address.of(name)} could not be written"):
            self._client.upload_file(str(source), named["Bucket"], named["Key"], Config=parts)

    def send(self, chunks: Iterable[bytes], name: str, most_bytes: int) -> tuple[int, str]:
        """Send a stream; returns its size and SHA-256.

        A large one goes in parts, of which three are in memory, and which are aborted when one fails.

        :param most_bytes: how large it may be.
        :raises FileFailed: the store refused, or did not answer.
        :raises PgsafeError: as the chunks do.
        """
        from boto3.s3.transfer import TransferConfig

        part = max(PART_BYTES, most_bytes // _PARTS + 1)
        parts = TransferConfig(multipart_threshold=part, multipart_chunksize=part, max_concurrency=2)
        parts.max_in_memory_upload_chunks = 2
        named, stream = self._named(name), _Stream(chunks)
        with self._asking(f"{self.address.of(name)} could not be written"):
            self._client.upload_fileobj(stream, named["Bucket"], named["Key"], Config=parts)
        return stream.size_and_sha256

    def put(self, name: str, data: bytes) -> None:
        """
        :raises FileFailed: the store refused, or did not answer.
        """
        with self._asking(f"{self.address.of(name)} could not be written"):
            self._client.put_object(**self._named(name), Body=data)

    def put_new(self, name: str, data: bytes) -> bool:
        """As :meth:`put`; False when the object exists. A store that knows no conditions writes it in any case.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        from botocore.exceptions import ClientError, ParamValidationError

        with self._asking(f"{self.address.of(name)} could not be written"):
            try:
                self._client.put_object(**self._named(name), Body=data, IfNoneMatch="*")
            except ClientError as error:
                if _code(error) in _TAKEN:
                    return False
                if _code(error) != "NotImplemented":
                    raise
                self._client.put_object(**self._named(name), Body=data)
            except ParamValidationError:
                # A boto3 of before these conditions.
                self._client.put_object(**self._named(name), Body=data)
        return True

    def read(self, name: str) -> bytes:
        """
        :raises FileFailed: it does not exist, or the store refused, or did not answer.
        """
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Generator[bytes, None, None]:
        """The content of an object in chunks of 1 MiB; a connection that is lost is made again where it broke off.

        :raises FileFailed: as :meth:`read`.
        """
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        offset, resumes = 0, 0
        with self._asking(f"{self.address.of(name)} could not be read"):
            while True:
                try:
                    for chunk in self._from(name, offset):
                        offset, resumes = offset + len(chunk), 0
                        yield chunk
                except (HTTPClientError, IncompleteReadError):
                    resumes += 1
                    if resumes > _RESUMES:
                        raise
                else:
                    return

    def _from(self, name: str, offset: int) -> Iterator[bytes]:
        where = {"Range": f"bytes={offset}-"} if offset else {}
        with closing(self._client.get_object(**self._named(name), **where)["Body"]) as body:
            while chunk := body.read(BUFFER_BYTES):
                yield chunk

    def sha256_of(self, name: str) -> str:
        """Of the content that is read back.

        :raises FileFailed: as :meth:`read`.
        """
        return self.digest_of(name)[1]

    def digest_of(self, name: str) -> tuple[int, str]:
        """As :meth:`sha256_of`, behind the size."""
        digest, size = hashlib.sha256(), 0
        for chunk in self.chunks(name):
            digest.update(chunk)
            size += len(chunk)
        return size, digest.hexdigest()

    def delete(self, name: str) -> None:
        """
        :raises FileFailed: the store refused, or did not answer.
        """
        with self._asking(f"{self.address.of(name)} could not be deleted"):
            self._client.delete_object(**self._named(name))

    def _begin(self, under: str) -> str:
        return "".join(f"{part}/" for part in (self.address.prefix, under) if part)

    def _named(self, name: str) -> dict[str, str]:
        return {"Bucket": self.address.bucket, "Key": self._begin("") + name}

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (Boto3Error, BotoCoreError, ClientError, ValueError, OSError) as error:
            raise _failed(what, error) from error


class _Stream:
    """Chunks as a file for boto3, which takes what is shorter than it asked for as the end."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held = bytearray()
        self._sha256 = hashlib.sha256()
        self._size = 0

    def read(self, size: int = -1) -> bytes:
        """:param size: -1 for all that is left, which boto3 asks for behind the end alone."""
        while size < 0 or len(self._held) < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._held += chunk
        end = len(self._held) if size < 0 else size
        taken = bytes(self._held[:end])
        del self._held[:end]
        self._sha256.update(taken)
        self._size += len(taken)
        return taken

    @property
    def size_and_sha256(self) -> tuple[int, str]:
        """Of what was read."""
        return self._size, self._sha256.hexdigest()


def require_client() -> None:
    """
    :raises FileFailed: the Python of the target has no boto3.
    """
    if importlib.util.find_spec("boto3") is None:
        raise FileFailed(
            f"boto3, the client of S3 stores, is not installed for {sys.executable} on the target.",
            remedy=f"Install the package python3-boto3, or run: {sys.executable} -m pip install boto3",
        )


def _client(address: StoreAddress) -> Any:
    import boto3
    from botocore.config import Config

    # What is stored is read back and compared by SHA-256; other stores than Amazon's need not know its checksums.
    wanted = {
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "connect_timeout": _CONNECT_SECONDS,
        "read_timeout": _READ_SECONDS,
        "retries": {"mode": "standard", "total_max_attempts": _ATTEMPTS},
        "s3": {"addressing_style": "path" if address.endpoint_url else "auto"},
    }
    known = {option: value for option, value in wanted.items() if option in Config.OPTION_DEFAULTS}
    given = {
        "endpoint_url": address.endpoint_url,
        "region_name": address.region,
        "verify": address.ca_file,
        "aws_access_key_id": address.access_key,
        "aws_secret_access_key": address.secret_key,
        "aws_session_token": address.session_token,
    }
    return boto3.client(
        "s3", config=Config(**known), **{option: value for option, value in given.items() if value}
    )


def _failed(what: str, error: Exception) -> FileFailed:
    # That of an upload has the text of the answer alone.
    cause = error if hasattr(error, "response") else error.__context__ or error
    code = _code(cause)
    kind = ObjectFailed if code in _OF_ONE_OBJECT else FileFailed
    return kind(f"{what}: {_reason(cause, error)}", remedy=_remedy(code, error))


def _code(error: BaseException) -> str:
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _reason(cause: BaseException, error: Exception) -> str:
    response: Mapping[str, Any] = getattr(cause, "response", None) or {}
    said = response.get("Error", {})
    return f"{said.get('Code')}: {said.get('Message')}" if said else f"{error}"


def _remedy(code: str, error: Exception) -> str:
    if code:
        return _REMEDIES.get(code, "")
    if "credentials" in str(error).lower():
        return "Give access_key and secret_key, or give the target a role or a credentials file of boto3's."
    return "Check url, endpoint_url and region, and whether the target reaches the store."
