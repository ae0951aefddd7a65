"""One relay among others: what it subscribes to, what it tells them, and what it makes of their word."""

import asyncio
import io

from parts_factory import Doorbell
from sealbell_relay.fleet.membership import BEAT, LEAVE, MAX_SILENT_BEATS
from sealbell_relay.fleet.peers import MAX_UNHEARD_BEATS, Peers
from sealbell_relay.fleet.shards import GRACE_S, share
from sealbell_relay.follow import news
from sealbell_relay.follow.hub import Hub, Stored
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_wire import topics
from sealbell_wire.ids import shard

ME, OTHER = "0a" * 16, "0b" * 16
BELL = Doorbell(1)
PART = Stored(BELL.clip_id(), 3, False, b"data")


class Scene:
    def __init__(self) -> None:
        self.now = 0.0
        self.hub, self.state, self.lines = Hub(), State(), io.StringIO()
        self.doubts = 0
        self.peers = Peers(ME, self.hub, self.doubt, self.state, Log(self.lines, lambda: 0.0), lambda: self.now)

    def doubt(self) -> None:
        self.doubts += 1

    def beats(self, relay: str, word: bytes = BEAT) -> None:
        assert self.peers.receive(topics.beat(relay), word)

    def ups(self) -> frozenset[str]:
        return frozenset(each for each in self.peers.filters() if each.endswith("/up/#"))

    async def told(self) -> tuple[str, bytes]:
        async with asyncio.timeout(1):
            return await self.peers.news.take()


def filters_of(*relays: str) -> set[str]:
    return {topics.up_filter(shard) for shard in share(ME, relays)}


def test_alone_it_takes_all_doorbells_by_one_filter() -> None:
    scene = Scene()
    assert scene.ups() == {topics.up_filter()}
    assert topics.beat_filter() in scene.peers.filters()


def test_with_another_it_hands_its_share_over_and_takes_it_back_when_that_leaves_or_dies() -> None:
    scene = Scene()
    scene.ups()
    for gone in ("leaves", "dies"):
        scene.beats(OTHER)
        assert scene.peers.changed.is_set()
        assert scene.peers.met.is_set(), "whoever is new does not know of us"
        assert scene.ups() == {topics.up_filter()}
        scene.now += GRACE_S
        assert scene.ups() == filters_of(ME, OTHER)
        assert (scene.state.relays, scene.state.shards) == (2, len(share(ME, [ME, OTHER])))
        if gone == "leaves":
            scene.beats(OTHER, LEAVE)
        for _ in range(MAX_SILENT_BEATS + 1):
            scene.beats(ME)
        assert scene.ups() == {topics.up_filter()}


def test_what_is_stored_here_is_told_to_the_others_if_there_are_any() -> None:
    async def scenario() -> None:
        scene = Scene()
        scene.hub.publish(BELL.id, PART)
        scene.beats(OTHER)
        scene.hub.publish(BELL.id, Stored(PART.clip, 4, True, b"data"))
        topic, message = await scene.told()
        assert topic == topics.news(BELL.id)
        assert news.parse(message) == [(ME, Stored(PART.clip, 4, True, None))]

    asyncio.run(scenario())


def test_news_is_asked_for_where_somebody_follows_and_handed_on() -> None:
    async def scenario() -> None:
        scene = Scene()
        assert topics.news(BELL.id) not in scene.peers.filters()
        scene.peers.changed.clear()
        with scene.hub.subscribe(BELL.id) as parts:
            assert scene.peers.changed.is_set()
            assert topics.news(BELL.id) in scene.peers.filters()
            for relay in (ME, OTHER):  # its own news comes back to it, and is not news
                assert scene.peers.receive(topics.news(BELL.id), news.line(relay, PART))
            assert await parts.next(0) == Stored(PART.clip, 3, False, None)
            assert await parts.next(0) is None
            scene.peers.changed.clear()
        assert scene.peers.changed.is_set()
        assert topics.news(BELL.id) not in scene.peers.filters()

    asyncio.run(scenario())


def test_nothing_that_was_remembered_is_trusted_and_followers_look_when_others_may_have_stored() -> None:
    scene = Scene()
    scene.ups()
    with scene.hub.subscribe(BELL.id) as parts:

        def doubts() -> int:
            counted, scene.doubts = scene.doubts, 0
            assert parts.missed == bool(counted)
            parts.missed = False
            return counted

        scene.doubts = 0
        scene.beats(OTHER)
        assert doubts(), "it takes parts beside us for a while"
        scene.now += GRACE_S
        scene.ups()
        assert doubts(), "and alone from now on"
        scene.ups()
        scene.beats(OTHER)
        assert not doubts()
        scene.beats(OTHER, LEAVE)
        assert doubts(), "who is gone may have stored parts and not told"
        scene.ups()
        assert doubts()
        scene.peers.connected()
        assert doubts(), "nothing was heard while there was no connection"
        for _ in range(MAX_SILENT_BEATS):
            scene.peers.deaf()
        scene.beats(ME)
        assert not doubts()
        for _ in range(MAX_SILENT_BEATS + 1):
            scene.peers.deaf()
        scene.beats(ME)
        assert doubts(), "others took us for dead meanwhile"


def test_it_knows_whose_parts_it_takes() -> None:
    scene = Scene()
    scene.ups()
    assert scene.peers.holds(BELL.id)
    scene.beats(OTHER)
    scene.now += GRACE_S
    scene.ups()
    bells = [Doorbell(seed) for seed in range(20)]
    assert {bell.id for bell in bells if scene.peers.holds(bell.id)} == {
        bell.id for bell in bells if shard(bell.id) in share(ME, [ME, OTHER])
    }


def test_a_relay_that_does_not_hear_itself_knows_that_it_hears_nothing() -> None:
    scene = Scene()
    for _ in range(3):
        assert [scene.peers.deaf() for _ in range(MAX_UNHEARD_BEATS)] == [False] * MAX_UNHEARD_BEATS
        scene.beats(OTHER)
        assert scene.peers.deaf(), "whoever else was heard says nothing of what we say"
        scene.beats(ME)
        assert not scene.peers.deaf()
        scene.peers.connected()


def test_what_is_no_relays_word_is_left_to_others_and_what_is_not_understood_is_counted() -> None:
    scene = Scene()
    assert not scene.peers.receive(topics.have(BELL.id, PART.clip), b"")
    for topic, word in (("sb/1/relay/x/beat", BEAT), (topics.news(BELL.id), b"\xff"), ("a/news", b"")):
        assert scene.peers.receive(topic, word)
    assert scene.state.refused["strange-topic"] == 3
    assert scene.lines.getvalue().count("warn refused") == 3
