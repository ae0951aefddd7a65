"""A Store in an S3 bucket, through obstore, and the choice between it and a folder. obstore is imported nowhere else.

What rests on the bucket is that a name is given once: `If-None-Match: *`, which S3 and whatever speaks it well answer
with 412. Of writers at the same moment one wins, and the others wait for it inside the bucket, for seconds. A put whose
answer got lost is not sent again by obstore, so it ends as a StoreError, and whoever asks again finds its name taken:
callers look at what is stored under a taken name, and never take False to mean that they failed.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore import exceptions, store

from sealbell_relay.errors import StoreError
from sealbell_relay.store.store import DirectoryStore, Entry, Listing, Store

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ClientConfig, RetryConfig

SCHEME = "s3"
CONNECT_TIMEOUT_S = 5.0
REQUEST_TIMEOUT_S = 15.0  # of one request, retries apart; writers of one name wait for each other for some seconds
MAX_RETRIES = 3
RETRY_FOR_S = 15.0  # nothing is tried again later than this, so no thread waits longer than both together
FIRST_RETRY_S, LONGEST_RETRY_S = 0.1, 2.0

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z", re.ASCII)
_PREFIX = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)?\Z", re.ASCII)
_STATUS = re.compile(r"status code: ([0-9]{3})\b", re.ASCII)
REFUSED = "the bucket does not allow it with these credentials"
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.PermissionDeniedError, REFUSED),
    (exceptions.UnauthenticatedError, REFUSED),
    (exceptions.NotFoundError, "there is no such bucket"),
    (FileNotFoundError, "there is no such bucket"),
)


class S3Store:
    """A Store in a bucket, below `prefix`, safe from many threads and machines.

    Credentials and endpoint come from the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the machine's
    role), AWS_REGION, AWS_ENDPOINT_URL.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        max_retries: int = MAX_RETRIES,
    ) -> None:
        """StoreError if the environment does not make sense to the library."""
        client: ClientConfig = {
            "timeout": timedelta(seconds=request_timeout_s),
            "connect_timeout": timedelta(seconds=min(CONNECT_TIMEOUT_S, request_timeout_s)),
            "allow_http": (os.environ.get("AWS_ENDPOINT_URL") or "").startswith("http://"),  # as the operator said
        }
        retry: RetryConfig = {
            "max_retries": max_retries,
            "retry_timeout": timedelta(seconds=RETRY_FOR_S),
            "backoff": {
                "init_backoff": timedelta(seconds=FIRST_RETRY_S),
                "max_backoff": timedelta(seconds=LONGEST_RETRY_S),
            },
        }
        with _failures("open", f"s3://{bucket}"):
            self._bucket = store.S3Store(bucket, prefix=prefix or None, client_options=client, retry_config=retry)

    def put(self, name: str, data: bytes) -> bool:
        """See Store. Durable is what the bucket calls so: for S3 before it answers; others may need to be told."""
        with _failures("write", name):
            try:
                obstore.put(self._bucket, name, data, mode="create", use_multipart=False)
            except exceptions.AlreadyExistsError:
                return False
            return True

    def stage(self, name: str, data: bytes) -> bool:
        """See Store."""
        return self.put(name, data)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes | None:
        """See Store."""
        with _failures("read", name):
            try:
                if length == 0:
                    obstore.head(self._bucket, name)
                    return b""
                if start == 0 and length is None:
                    return bytes(obstore.get(self._bucket, name).bytes())
                return self._range(name, start, length)
            except (FileNotFoundError, exceptions.NotFoundError):
                return None

    def _range(self, name: str, start: int, length: int | None) -> bytes:
        wanted: GetOptions = {"range": {"offset": start} if length is None else (start, start + length)}
        try:
            return bytes(obstore.get(self._bucket, name, options=wanted).bytes())
        except exceptions.GenericError:
            # HTTP has no range of nothing: past the end, and in an empty object, it is an error.
            if start >= obstore.head(self._bucket, name)["size"]:
                return b""
            raise

    def list(self, prefix: str) -> Listing:
        """See Store."""
        with _failures("list", prefix):
            found = obstore.list_with_delimiter(self._bucket, prefix)
        folders = sorted(folder.rpartition("/")[2] for folder in found["common_prefixes"])
        # SeaweedFS lists a folder that has become empty as an object of the folder's own name.
        start = len(prefix) + 1 if prefix else 0
        named = ((meta["path"][start:], meta["size"]) for meta in found["objects"])
        return Listing(tuple(folders), tuple(Entry(name, size) for name, size in sorted(named) if name))

    def settle(self, *prefixes: str) -> None:
        """See Store. A bucket shows nothing that it may still lose."""

    def remove(self, name: str) -> None:
        """See Store."""
        with _failures("remove", name), contextlib.suppress(FileNotFoundError, exceptions.NotFoundError):
            obstore.delete(self._bucket, name)


def open_store(place: str | Path) -> Store:
    """Return the store at s3://BUCKET[/PREFIX], or in a folder. Raises StoreError."""
    text = str(place)
    if not text.startswith(f"{SCHEME}:"):
        return DirectoryStore(Path(place))
    bucket, prefix = parse_url(text)
    return S3Store(bucket, prefix)


def parse_url(url: str) -> tuple[str, str]:
    """Return bucket and prefix of s3://BUCKET[/PREFIX]; StoreError with what is wrong."""
    parts = urlsplit(url)
    bucket, prefix = parts.netloc, parts.path.strip("/")
    if parts.scheme != SCHEME or parts.query or parts.fragment or not _BUCKET.match(bucket):
        raise StoreError("that is no bucket", hint="write s3://BUCKET or s3://BUCKET/PREFIX, keys in the environment")
    if not _PREFIX.match(prefix):
        raise StoreError("that is no prefix of a bucket", hint="use letters, digits, hyphens, underscores and slashes")
    return bucket, prefix


@contextlib.contextmanager
def _failures(verb: str, name: str) -> Iterator[None]:
    """Say what failed in words of our own: the library's hold addresses, headers and what the server sent."""
    try:
        yield
    except (exceptions.BaseError, OSError, ValueError) as failure:
        raise StoreError(f"the store cannot {verb} {name}: {_reason(failure)}") from None


def _reason(failure: Exception) -> str:
    for kind, reason in _REASONS:
        if isinstance(failure, kind):
            return reason
    text = str(failure)
    if status := _STATUS.search(text):
        if status[1] in ("401", "403"):
            return REFUSED
        return f"the bucket answers with status {status[1]}"
    return "the bucket did not answer in time" if "timed out" in text or "Timeout" in text else "no answer came"
