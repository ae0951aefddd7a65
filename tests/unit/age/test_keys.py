import pytest

from sealbell_wire.age import bech32
from sealbell_wire.age.keys import (
    MAX_IDENTITIES,
    MAX_IDENTITY_FILE_CHARS,
    parse_identity,
    parse_identity_file,
    parse_recipient,
)
from sealbell_wire.age.mlkem768x25519 import MLKEM_PUBLIC_BYTES, HybridIdentity, HybridRecipient
from sealbell_wire.age.x25519 import X25519Identity, X25519Recipient
from sealbell_wire.errors import FormatError

# The examples of C2SP age.md.
CLASSIC_IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
CLASSIC_RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
HYBRID_IDENTITY = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR"
HYBRID_RECIPIENT_BEGIN = (
    "age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zrqtzdxz95paef6caq5aapdmwjjqpjf"
)
HYBRID_RECIPIENT_END = "mwze9pyyzk3tlhl53k2ykx3qheyty7saeq0d3fzv49zc0k"
SMALL_ORDER_POINTS = [
    bytes(32),
    bytes([1]) + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


def test_the_keys_of_the_age_specification():
    classic, hybrid = parse_identity(CLASSIC_IDENTITY), parse_identity(HYBRID_IDENTITY)
    assert isinstance(classic, X25519Identity)
    assert str(classic.recipient) == CLASSIC_RECIPIENT
    assert classic.encode() == CLASSIC_IDENTITY
    assert isinstance(hybrid, HybridIdentity)
    text = str(hybrid.recipient)
    assert len(text) == 1959
    assert text.startswith(HYBRID_RECIPIENT_BEGIN)
    assert text.endswith(HYBRID_RECIPIENT_END)
    assert hybrid.encode() == HYBRID_IDENTITY


def test_recipients_are_read_as_they_are_written(owner, outsider):
    for recipient in (owner.recipient, outsider.recipient):
        assert parse_recipient(str(recipient)) == recipient
    assert HybridRecipient.from_string(str(owner.recipient)) == owner.recipient
    assert X25519Recipient.from_string(str(outsider.recipient)) == outsider.recipient


def test_a_classic_key_never_passes_for_a_post_quantum_one(owner, outsider):
    with pytest.raises(FormatError, match="does not begin with age1pq1"):
        HybridRecipient.from_string(str(outsider.recipient))
    with pytest.raises(FormatError, match="does not begin with AGE-SECRET-KEY-PQ-1"):
        HybridIdentity.from_string(outsider.encode())
    with pytest.raises(FormatError, match="does not begin with age1"):
        X25519Recipient.from_string(str(owner.recipient))


@pytest.mark.parametrize(
    "text", ["", "age1", "age1pq1", "ssh-ed25519 AAAA", CLASSIC_RECIPIENT.upper(), CLASSIC_IDENTITY]
)
def test_what_is_no_recipient_is_refused(text):
    with pytest.raises(FormatError):
        parse_recipient(text)


@pytest.mark.parametrize("text", ["", "AGE-SECRET-KEY-1", CLASSIC_IDENTITY.lower(), CLASSIC_RECIPIENT])
def test_what_is_no_identity_is_refused(text):
    with pytest.raises(FormatError):
        parse_identity(text)


@pytest.mark.parametrize("prefix", ["age", "age1pq", "AGE-SECRET-KEY-", "AGE-SECRET-KEY-PQ-"])
@pytest.mark.parametrize("size", [0, 31, 33, 1215, 1217])
def test_keys_of_another_length_are_refused(prefix, size):
    parse = parse_recipient if prefix.islower() else parse_identity
    with pytest.raises(FormatError):
        parse(bech32.encode(prefix, bytes(size)))


@pytest.mark.parametrize("point", SMALL_ORDER_POINTS)
def test_recipients_of_small_order_are_refused(point, owner):
    with pytest.raises(FormatError, match="small order"):
        X25519Recipient(point)
    with pytest.raises(FormatError, match="small order"):
        HybridRecipient(owner.recipient.public[:MLKEM_PUBLIC_BYTES] + point)


def test_a_recipient_whose_mlkem_half_is_no_key_is_refused(owner):
    with pytest.raises(FormatError, match="ML-KEM"):
        HybridRecipient(b"\xff" * MLKEM_PUBLIC_BYTES + owner.recipient.public[MLKEM_PUBLIC_BYTES:])


def test_an_identity_file_holds_several_kinds_and_comments(owner, outsider):
    text = f"# created: today\r\n\r\n  {owner.encode()}  \r\n# {owner.recipient}\n\n{outsider.encode()}"
    assert parse_identity_file(text) == [owner, outsider]


@pytest.mark.parametrize("text", ["", "# nothing\n", "\n\n\n"])
def test_an_identity_file_without_one_is_refused(text):
    with pytest.raises(FormatError, match="no identity"):
        parse_identity_file(text)


def test_an_identity_file_has_bounds(outsider):
    key = outsider.encode() + "\n"
    assert len(parse_identity_file(key * MAX_IDENTITIES)) == MAX_IDENTITIES
    with pytest.raises(FormatError, match="at most 256 identities"):
        parse_identity_file(key * (MAX_IDENTITIES + 1))
    with pytest.raises(FormatError, match="characters"):
        parse_identity_file(key + "#" * MAX_IDENTITY_FILE_CHARS)
    with pytest.raises(FormatError, match="characters"):
        parse_identity_file("AGE-SECRET-KEY-1" + "Q" * 5000)


def test_every_cut_identity_is_refused_at_its_line(outsider):
    text = outsider.encode()
    for end in range(1, len(text)):
        with pytest.raises(FormatError, match="line 2: "):
            parse_identity_file(f"# key\n{text[:end]}\n")


def test_no_secret_is_told(owner, outsider):
    for identity in (owner, outsider):
        assert str(identity.secret) not in repr(identity)
        assert identity.secret.hex() not in repr(identity)
        mistyped = identity.encode()[:-1]
        with pytest.raises(FormatError) as error:
            parse_identity_file(mistyped)
        assert mistyped[20:30] not in str(error.value)
