"""What happens to a message between broker and store: order, worker threads, followers, receipts, counts, log."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from itertools import groupby

from sealbell_relay.errors import StoreError
from sealbell_relay.follow.hub import Hub
from sealbell_relay.intake.healths import HealthIntake
from sealbell_relay.intake.ingest import Refuse
from sealbell_relay.intake.intake import Intake, Outcome
from sealbell_relay.intake.lanes import Lanes, Message
from sealbell_relay.intake.outgoing import Outgoing
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.store.probe import Verdict
from sealbell_wire import topics
from sealbell_wire.errors import FormatError

SLOW_S = 5.0  # a store that takes longer to fail is not asked for each message that waits behind: they are sent again


class Reception:
    """Takes messages from the event loop, blocks nothing, and lets nothing that a peer sends stop it."""

    def __init__(
        self,
        intake: Intake,
        healths: HealthIntake,
        hub: Hub,
        outgoing: Outgoing,
        state: State,
        log: Log,
        threads: Executor,
        monotonic: Callable[[], float] = lambda: 0.0,
        on_receipt: Callable[[float], None] = lambda _: None,
        on_end: Callable[[str, str], None] | None = None,
    ) -> None:
        """`monotonic` returns seconds; `on_receipt` is told how long a part waited for its receipt, `on_end` of each
        part of a clip whose final part is stored.
        """
        self._intake = intake
        self._healths = healths
        self._hub = hub
        self._outgoing = outgoing
        self._state = state
        self._log = log
        self._store = Verdict(state, log)
        self._threads = threads
        self._monotonic = monotonic
        self._on_receipt = on_receipt
        self._on_end = on_end
        self._closed = False
        self.lanes = Lanes(self._work)

    def receive(self, topic: str, payload: bytes) -> None:
        """Take a message off the broker; never raises and never waits."""
        if self._closed:
            return
        try:
            parsed = topics.parse_up(topic)
        except FormatError as error:
            self._refuse("strange-topic", topic=topic, detail=error)
            return
        if parsed.kind in ("part", "have", "health") and not self.lanes.put(
            Message(parsed, payload, self._monotonic())
        ):
            self._refuse("overloaded", doorbell=parsed.doorbell)

    async def close(self, timeout_s: float) -> None:
        """Take nothing more, and finish what was taken, for at most `timeout_s`; doorbells send the rest again."""
        self._closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.lanes.drain(timeout_s)
                await self._outgoing.drained()

    async def _work(self, messages: list[Message]) -> None:
        for kind, run in groupby(messages, key=lambda message: message.topic.kind):
            together = list(run)
            if kind != "part" or len(together) == 1 or not await self._try_all(together):
                await self._one_by_one(together)

    async def _one_by_one(self, messages: list[Message]) -> None:
        for message in messages:
            begun = self._monotonic()
            if not await self._one(message) and self._monotonic() - begun > SLOW_S:
                return

    async def _try_all(self, messages: list[Message]) -> bool:
        try:
            await self._take(messages)
        except Exception:  # it may be one message's alone: each is taken by itself, and told if it fails again
            return False
        return True

    async def _one(self, message: Message) -> bool:
        """Take one message; whether the store did not fail at it."""
        try:
            match message.topic.kind:
                case "part":
                    await self._take([message])
                case "have":
                    await self._answer(message)
                case _:
                    await self._health(message)
        except StoreError as failure:
            self._store.fails(failure)
            return False
        except Exception as error:  # a bug met by one message must not end the relay for all others; it is told
            self._log.error("message-failed", doorbell=message.topic.doorbell, error=f"{type(error).__name__}: {error}")
            self._state.refused["internal-error"] += 1
        return True

    async def _take(self, messages: list[Message]) -> None:
        taking = [(message.topic, message.payload) for message in messages]
        loop = asyncio.get_running_loop()
        outcomes = await loop.run_in_executor(self._threads, self._intake.take_all, taking)
        for message, outcome in zip(messages, outcomes, strict=True):
            self._taken(message, outcome)

    def _taken(self, message: Message, outcome: Outcome) -> None:
        doorbell, clip = message.topic.doorbell, message.topic.clip or ""
        if outcome.stored is not None:
            self._hub.publish(doorbell, outcome.stored)
        if outcome.ends and self._on_end is not None:
            self._on_end(doorbell, clip)
        if outcome.receipt is not None:
            self._outgoing.add_receipt(topics.receipt(doorbell, clip), outcome.receipt)
            self._state.receipts += 1
            self._on_receipt(self._monotonic() - message.arrived_s)
        self._count(message, outcome)

    async def _answer(self, message: Message) -> None:
        loop = asyncio.get_running_loop()
        answers = await loop.run_in_executor(self._threads, self._intake.have, message.topic)
        for answer in answers:
            self._outgoing.add_answer(topics.receipt(message.topic.doorbell, message.topic.clip or ""), answer)

    async def _health(self, message: Message) -> None:
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(self._threads, self._healths.take, message.topic, message.payload)
        if isinstance(outcome, Refuse):
            self._refuse(outcome.reason, doorbell=message.topic.doorbell, kind="health", detail=outcome.detail)
        elif outcome:
            self._state.healths += 1
            self._state.heard.note(message.topic.doorbell, self._monotonic())
            self._store.works()

    def _count(self, message: Message, outcome: Outcome) -> None:
        topic, refused = message.topic, outcome.refused
        if refused is not None:
            self._refuse(refused.reason, doorbell=topic.doorbell, clip=topic.clip, seq=topic.seq, detail=refused.detail)
            return
        self._state.heard.note(topic.doorbell, self._monotonic())
        if outcome.stored is None:
            self._state.resent += 1
            return
        self._state.stored_bytes += len(outcome.stored.data or b"")
        if outcome.stored.dropped:
            self._state.dropped += 1
        else:
            self._state.stored += 1
        self._store.works()

    def _refuse(self, reason: str, **fields: object) -> None:
        self._state.refused[reason] += 1
        self._log.warn("refused", reason=reason, **fields)
