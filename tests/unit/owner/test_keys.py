"""The owner's keys come from the words alone; these figures may never change, or no owner could recover."""

import hashlib

from sealbell_owner.keys import derive_root, first_readers
from sealbell_wire.age.keys import parse_identity
from sealbell_wire.enrolment import OwnerCard, parse_card
from sealbell_wire.readers import check_pinned, parse_signed_readers

ENTROPY = bytes(range(32))
# HKDF-SHA256 of ENTROPY without salt, info `sealbell v1 generation 0 signing` and so on, computed by openssl:
# openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:000102...1f -kdfopt info:"..." HKDF
SIGNING_SEED = "39e6eccc956c05583019269c228eb177bd718a7476e839d185a8a76cf7da3a8a"
RECIPIENT_SEED = "274d3e9c98584e2cf06aca58f3fbd0b95b34055322f536849dce3be9cc0116cd"
TOKEN = "07fcda173de3714539b48dc4a941735c606f91775793c8adcf056d5de104a599"
NEXT_SIGNING_SEED = "bcc214b6e6842b4f9e7a9d878600c1da3cf2f4a84532d3d23349e8977e06f89d"


def test_the_same_words_always_make_the_same_owner() -> None:
    root = derive_root(ENTROPY, 0)
    assert root.signing_seed.hex() == SIGNING_SEED
    assert root.recipient_seed.hex() == RECIPIENT_SEED
    assert root.token.hex() == TOKEN
    assert derive_root(ENTROPY, 1).signing_seed.hex() == NEXT_SIGNING_SEED


def test_the_worked_example_of_the_spec_holds() -> None:
    root = derive_root(bytes(32), 0)
    assert root.signing_seed.hex() == "4895be5b44deaf62f07b20646116b2e759f1b7a54d02be0edb4cb958299e86b9"
    assert root.recipient_seed.hex() == "0f10c7cd0c9b7e1df50b31eb6b852e3c19e1b585f5328650b98d0e5a9154aecb"
    assert root.token.hex() == "e37cbd582c510f39fc4f235217c2ddd0ad9002c5a8bd35c8debf61949e7f2e81"


def test_every_purpose_and_generation_has_a_key_of_its_own() -> None:
    seeds = [
        seed
        for generation in range(3)
        for root in [derive_root(ENTROPY, generation)]
        for seed in (root.signing_seed, root.recipient_seed, root.token)
    ]
    assert len(set(seeds)) == len(seeds)


def test_the_identity_is_one_that_age_takes() -> None:
    root = derive_root(ENTROPY, 0)
    assert parse_identity(root.identity.encode()) == root.identity
    assert str(root.identity.recipient).startswith("age1pq1")


def test_a_doorbell_can_pin_the_first_readers_document() -> None:
    signed = parse_signed_readers(first_readers(ENTROPY).encode())
    check_pinned(signed)
    root = derive_root(ENTROPY, 0)
    assert signed.readers.owner == root.verify_key.hex()
    assert [entry.role for entry in signed.readers.entries] == ["root"]
    assert signed.readers.entries[0].recipient == str(root.identity.recipient)


def test_the_readers_document_announces_the_next_generation_by_its_hash_only() -> None:
    following = derive_root(ENTROPY, 1).verify_key
    signed = first_readers(ENTROPY)
    assert signed.readers.next_owner == hashlib.sha256(following).hexdigest()
    assert following.hex().encode() not in signed.text


def test_secrets_do_not_show() -> None:
    root = derive_root(ENTROPY, 0)
    for secret in (root.signing_seed, root.recipient_seed, root.token):
        assert secret.hex() not in repr(root)
        assert repr(secret) not in repr(root)


def test_the_card_tells_the_relay_no_secret() -> None:
    root = derive_root(ENTROPY, 0)
    card = OwnerCard(root.verify_key.hex(), hashlib.sha256(root.token).hexdigest())
    assert parse_card(card.encode()) == card
    assert root.token.hex().encode() not in card.encode()
