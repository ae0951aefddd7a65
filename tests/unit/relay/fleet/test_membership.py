"""Who lives, by beats alone."""

from sealbell_relay.fleet.membership import BEAT, LEAVE, MAX_RELAYS, MAX_SILENT_BEATS, Membership

ME, ONE, OTHER = "00" * 16, "11" * 16, "22" * 16


def test_who_beats_lives_and_who_leaves_is_gone_at_once() -> None:
    members = Membership(ME)
    assert members.live == {ME}
    assert members.heard(ONE, BEAT)
    assert not members.heard(ONE, BEAT)
    assert members.live == {ME, ONE}
    assert members.heard(ONE, LEAVE)
    assert not members.heard(ONE, LEAVE)
    assert members.live == {ME}


def test_who_is_silent_while_we_are_heard_is_dead() -> None:
    members = Membership(ME)
    members.heard(ONE, BEAT)
    members.heard(OTHER, BEAT)
    for _ in range(MAX_SILENT_BEATS):
        assert not members.heard(ME, BEAT)
        members.heard(OTHER, BEAT)
    assert members.live == {ME, ONE, OTHER}
    assert members.heard(ME, BEAT)
    assert members.live == {ME, OTHER}


def test_a_relay_that_is_cut_off_takes_nobody_for_dead() -> None:
    members = Membership(ME)
    members.heard(ONE, BEAT)  # and then nothing, not even its own beats
    assert members.live == {ME, ONE}


def test_nobody_says_that_this_relay_left() -> None:
    members = Membership(ME)
    assert not members.heard(ME, LEAVE)  # its own will, from a connection of before
    assert members.live == {ME}


def test_other_words_say_nothing() -> None:
    members = Membership(ME)
    for word in (b"", b"beat ", b"BEAT", b"leave\n", b"\xff"):
        assert not members.heard(ONE, word)
    assert members.live == {ME}


def test_more_relays_than_there_are_shards_are_not_remembered() -> None:
    members = Membership(ME)
    for number in range(1, MAX_RELAYS + 10):
        members.heard(f"{number:032x}", BEAT)
    assert len(members.live) == MAX_RELAYS
