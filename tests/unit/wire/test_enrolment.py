"""The files that introduce one part to another: public, whole, and of keys that can be trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire import ids, sshsig
from sealbell_wire.enrolment import DoorbellCard, Introduction, OwnerBundle, OwnerCard, RelayCard, parse_card
from sealbell_wire.errors import FormatError, SignatureError
from unit.wire.samples import DOORBELL, RELAY, ROOT, hashes, key_of

keys = st.binary(max_size=8).map(lambda label: sshsig.verify_key_of(key_of(label.hex())).hex())
hosts = st.from_regex(r"[a-z0-9.-]{1,60}:[0-9]{1,5}", fullmatch=True)
relays = st.builds(RelayCard, hosts.map("mqtt://".__add__), hosts.map("http://".__add__), keys)
cards = (
    st.builds(DoorbellCard, keys, keys)
    | st.builds(OwnerCard, keys, hashes)
    | relays
    | st.builds(Introduction.sign, st.just(DOORBELL), keys, hashes)
    | st.builds(OwnerBundle, st.binary(max_size=100), relays)
)


@given(cards)
def test_a_card_is_read_as_it_was_written(
    card: DoorbellCard | OwnerCard | Introduction | RelayCard | OwnerBundle,
) -> None:
    assert parse_card(card.encode()) == card


def test_a_doorbell_cannot_choose_its_name() -> None:
    card = DoorbellCard(sshsig.verify_key_of(DOORBELL).hex(), sshsig.verify_key_of(ROOT).hex())
    assert card.doorbell == ids.doorbell_id(sshsig.verify_key_of(DOORBELL))
    with pytest.raises(FormatError, match="its keys are not exactly"):
        parse_card(card.encode().replace(b'"v":1', b'"doorbell":"00","v":1'))


@given(keys, hashes, st.data())
def test_nobody_introduces_another_ones_doorbell(owner: str, credential: str, data: st.DataObject) -> None:
    told = Introduction.sign(DOORBELL, owner, credential)
    forged = data.draw(
        st.sampled_from(
            [
                Introduction(
                    DoorbellCard(told.card.key, sshsig.verify_key_of(RELAY).hex()), credential, told.signature
                ),
                Introduction(told.card, told.card.key, told.signature),
                Introduction(told.card, credential, Introduction.sign(ROOT, owner, credential).signature),
                Introduction(told.card, credential, sshsig.sign(DOORBELL, sshsig.PART, told.encode()).hex()),
            ]
        )
    )
    with pytest.raises(SignatureError):
        parse_card(forged.encode())


def test_a_credential_does_not_show_by_accident() -> None:
    told = Introduction.sign(DOORBELL, sshsig.verify_key_of(ROOT).hex(), "77" * 32)
    assert "77" * 32 not in repr(told)


@pytest.mark.parametrize("field", ["key", "owner"])
def test_a_key_of_small_order_is_never_enrolled(field: str) -> None:
    good = {"key": sshsig.verify_key_of(DOORBELL).hex(), "owner": sshsig.verify_key_of(ROOT).hex()}
    with pytest.raises(SignatureError, match="small order"):
        parse_card(DoorbellCard(**(good | {field: "01" + "00" * 31})).encode())


@pytest.mark.parametrize("address", ["http://x", "mqttss://x", "mqtt:/x", "", "mqtt://\n", "mqtt://" + "x" * 250])
def test_an_address_is_one_of_the_brokers(address: str) -> None:
    with pytest.raises(FormatError, match="address"):
        parse_card(RelayCard(address, "http://x", sshsig.verify_key_of(RELAY).hex()).encode())
