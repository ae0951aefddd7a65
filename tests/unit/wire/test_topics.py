"""Topics that every broker takes, under which a doorbell cannot speak for another."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire import topics
from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_SEQ
from unit.wire.samples import names


@given(names, names, st.integers(0, MAX_SEQ))
def test_a_part_is_found_by_its_topic(doorbell: str, clip: str, seq: int) -> None:
    assert topics.parse_up(topics.part(doorbell, clip, seq)) == topics.UpTopic(doorbell, "part", clip, seq)
    assert topics.parse_up(topics.have(doorbell, clip)) == topics.UpTopic(doorbell, "have", clip)
    assert topics.parse_receipt_topic(topics.receipt(doorbell, clip), doorbell) == clip


@given(names, names, st.integers(0, MAX_SEQ))
def test_every_broker_takes_the_topics(doorbell: str, clip: str, seq: int) -> None:
    for topic in (topics.part(doorbell, clip, seq), topics.have(doorbell, clip), topics.receipt(doorbell, clip)):
        assert re.fullmatch(r"[a-z0-9/]+", topic)
        assert topic.count("/") <= 7
        assert len(topic) <= topics.MAX_TOPIC_CHARS


@given(names, names, names)
def test_a_doorbell_reads_only_its_own_receipts(doorbell: str, other: str, clip: str) -> None:
    if doorbell != other:
        with pytest.raises(FormatError):
            topics.parse_receipt_topic(topics.receipt(other, clip), doorbell)


@given(names, names)
def test_a_topic_cannot_name_another_doorbells_shard(doorbell: str, other: str) -> None:
    honest = topics.have(doorbell, "00" * 16).split("/")
    shard = topics.have(other, "00" * 16).split("/")[2]
    if shard != honest[2]:
        with pytest.raises(FormatError, match="shard"):
            topics.parse_up("/".join([*honest[:2], shard, *honest[3:]]))


def test_the_filters_are_a_doorbells_own_and_all_doorbells() -> None:
    topic = topics.receipt("00" * 16, "11" * 16)
    assert topic.startswith(topics.down_filter("00" * 16).removesuffix("#"))
    assert topics.up_filter() == "sb/1/+/+/up/#"
    assert topics.up_filter("7f") == "sb/1/7f/+/up/#"


@given(names, names)
def test_news_and_beats_are_found_by_their_topics_and_no_doorbell_reaches_them(doorbell: str, relay: str) -> None:
    assert topics.parse_news(topics.news(doorbell)) == doorbell
    assert topics.parse_beat(topics.beat(relay)) == relay
    for topic in (topics.news(doorbell), topics.beat(relay)):
        assert len(topic) <= topics.MAX_TOPIC_CHARS
        assert not topic.startswith(topics.up_of(doorbell).removesuffix("#"))
        assert not topic.startswith(topics.down_filter(doorbell).removesuffix("#"))
        with pytest.raises(FormatError):
            topics.parse_up(topic)
    assert topics.news_filter() == "sb/1/+/+/news"
    assert topics.beat_filter() == "sb/1/relay/+/beat"


@pytest.mark.parametrize("parse", [topics.parse_news, topics.parse_beat])
@given(names, st.text(max_size=3))
def test_what_is_nearly_news_or_a_beat_is_refused(parse: Callable[[str], str], name: str, more: str) -> None:
    good = topics.news(name) if parse is topics.parse_news else topics.beat(name)
    bad = [good[:end] for end in range(len(good))]
    bad += [good.upper(), "/" + good, good + "/" + more, good + "\n", good.replace("sb/1", "sb/2"), good * 200]
    bad += [good.replace("/" + name, "/+"), good.replace("/" + name, "/" + name[1:])]
    if parse is topics.parse_news:
        digits = good.split("/")[2]
        bad.append(good.replace(f"/{digits}/", "/zz/"))
    for topic in bad:
        with pytest.raises(FormatError):
            parse(topic)
