"""Credentials in the store: hashes only, both of the same secret, nothing else is read as one."""

import base64
import hashlib
from pathlib import Path

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.broker.credentials import CREDENTIALS, Credentials, parse
from sealbell_relay.errors import DamagedError, RelayError
from sealbell_relay.store.store import DirectoryStore
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import shard

A, B = "0a" * 16, "0b" * 16
SECRET, OTHER = "5e" * 32, "5f" * 32


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    store = DirectoryStore(tmp_path / "store")
    store.make()
    return store


def object_of(store: DirectoryStore, doorbell: str) -> bytes:
    data = store.read(f"{CREDENTIALS}/{doorbell}")
    assert data is not None
    return data


def test_store_never_holds_the_secret_itself(store: DirectoryStore) -> None:
    Credentials(store).enrol(A, SECRET)
    data = object_of(store, A)
    assert SECRET.encode() not in data
    assert bytes.fromhex(SECRET) not in data


def test_both_hashes_are_of_the_secret_and_of_no_other(store: DirectoryStore) -> None:
    Credentials(store).enrol(A, SECRET)
    account = Credentials(store).account(A)
    assert account is not None
    assert bcrypt.checkpw(SECRET.encode(), account.bcrypt.encode())
    assert not bcrypt.checkpw(OTHER.encode(), account.bcrypt.encode())
    _, kind, rounds, salt, key = account.pbkdf2.split("$")
    derived = hashlib.pbkdf2_hmac("sha512", SECRET.encode(), base64.b64decode(salt), int(rounds))
    assert (kind, base64.b64decode(key)) == ("7", derived)


def test_account_opens_nothing_but_the_doorbells_own_topics(store: DirectoryStore) -> None:
    Credentials(store).enrol(A, SECRET)
    account = Credentials(store).account(A)
    assert account is not None
    assert account.user == A
    assert account.publish == (f"sb/1/{shard(A)}/{A}/up/#",)
    assert account.subscribe == (f"sb/1/{shard(A)}/{A}/dn/#",)


def test_enrolling_twice_changes_nothing_and_another_secret_is_refused(store: DirectoryStore) -> None:
    credentials = Credentials(store)
    assert credentials.enrol(A, SECRET)
    before = object_of(store, A)
    assert not credentials.enrol(A, SECRET)
    with pytest.raises(RelayError, match="another credential"):
        credentials.enrol(A, OTHER)
    assert object_of(store, A) == before


@pytest.mark.parametrize("secret", ["", "5e" * 31, "5E" * 32, "5e" * 33, "zz" * 32, "5e" * 31 + "5\n"])
def test_secret_that_is_not_32_bytes_in_hex_is_refused(store: DirectoryStore, secret: str) -> None:
    with pytest.raises(FormatError):
        Credentials(store).enrol(A, secret)
    assert Credentials(store).names() == []


def test_doorbell_that_is_no_id_is_refused(store: DirectoryStore) -> None:
    with pytest.raises(FormatError):
        Credentials(store).enrol("../" + A, SECRET)


def test_all_are_listed_until_removed(store: DirectoryStore) -> None:
    credentials = Credentials(store)
    credentials.enrol(B, OTHER)
    credentials.enrol(A, SECRET)
    assert [account.user for account in credentials.all()] == [A, B]
    credentials.remove(A)
    assert [account.user for account in credentials.all()] == [B]
    assert credentials.account(A) is None


def test_damaged_credential_is_said_and_lets_nobody_in(store: DirectoryStore) -> None:
    store.put(f"{CREDENTIALS}/{A}", b"{}")
    store.put(f"{CREDENTIALS}/not-an-id", b"")
    for name in (A, "not-an-id"):
        with pytest.raises(DamagedError, match="damaged"):
            Credentials(store).account(name)


def test_every_truncation_and_anything_behind_is_refused(store: DirectoryStore) -> None:
    Credentials(store).enrol(A, SECRET)
    data = object_of(store, A)
    parse(data)
    for end in range(len(data)):
        with pytest.raises(FormatError):
            parse(data[:end])
    for more in (b"\n", b"\0", b"x", data):
        with pytest.raises(FormatError):
            parse(data + more)


def test_hash_that_would_keep_a_broker_busy_is_refused(store: DirectoryStore) -> None:
    Credentials(store).enrol(A, SECRET)
    data = object_of(store, A)
    for dear in (data.replace(b"$2b$04$", b"$2b$31$"), data.replace(b"$7$101$", b"$7$999999999$")):
        assert dear != data
        with pytest.raises(FormatError):
            parse(dear)


@given(st.binary(max_size=300))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse(data)
