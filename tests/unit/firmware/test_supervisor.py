import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sealbell.notify import Notifier
from sealbell.supervisor import LOOK_S, StageError, Supervisor

DEADLINE_S = 10.0


class Systemd:
    """What systemd hears on its end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(DEADLINE_S)
        self.address = str(path)

    def hears(self) -> str:
        return self._socket.recv(4_096).decode()

    def hears_nothing_for(self, seconds: float) -> bool:
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(4_096)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(DEADLINE_S)
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    systemd = Systemd(tmp_path / "notify")
    yield systemd
    systemd.close()


class Process:
    """A supervisor that waits in a thread, and how it ended; `told` is set when it tells the stages to stop."""

    def __init__(self, address: str | None = None, leave_s: float = DEADLINE_S) -> None:
        self.supervisor = Supervisor(Notifier(address))
        self.told = threading.Event()
        self.error: BaseException | None = None
        self._leave_s = leave_s
        self._thread = threading.Thread(target=self._wait, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> BaseException | None:
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()
        return self.error

    def runs_for(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return self._thread.is_alive()

    def _wait(self) -> None:
        try:
            self.supervisor.wait(self.told.set, self._leave_s)
        except BaseException as error:
            self.error = error


def until(event: threading.Event) -> Callable[[Callable[[], None]], None]:
    """A stage that makes no progress and ends when told to."""
    return lambda _: event.wait(DEADLINE_S) and None


def beating(stop: threading.Event) -> Callable[[Callable[[], None]], None]:
    """A stage that makes progress all the time."""

    def stage(beat: Callable[[], None]) -> None:
        while not stop.wait(0.02):
            beat()

    return stage


def test_process_ends_when_every_stage_has_ended() -> None:
    process, first, second = Process(), threading.Event(), threading.Event()
    process.supervisor.spawn("first", until(first))
    process.supervisor.spawn("second", until(second))
    process.start()
    first.set()
    second.set()
    assert process.end() is None


@pytest.mark.parametrize("error", [ValueError("lens cap"), SystemExit(0), KeyboardInterrupt(), OSError(5, "EIO")])
def test_exception_in_one_stage_ends_the_process_though_others_run(error: BaseException) -> None:
    process, never = Process(leave_s=0.0), threading.Event()

    def fails(beat: Callable[[], None]) -> None:
        beat()
        raise error

    process.supervisor.spawn("others", until(never))
    process.supervisor.spawn("camera", fails)
    process.start()
    end = process.end()
    assert isinstance(end, StageError)
    assert str(end).startswith(f"camera failed: {type(error).__name__}")
    assert end.__cause__ is error
    never.set()


def test_when_one_stage_has_failed_the_others_end_what_they_have_begun() -> None:
    process, committed = Process(), threading.Event()

    def fails(_: Callable[[], None]) -> None:
        raise ValueError("no")

    def commits(_: Callable[[], None]) -> None:
        assert process.told.wait(DEADLINE_S)
        assert committed.wait(DEADLINE_S)

    process.supervisor.spawn("seal", commits)
    process.supervisor.spawn("camera", fails)
    process.start()
    assert process.runs_for(0.2)
    committed.set()
    assert "camera failed" in str(process.end())


def test_no_stage_is_told_to_stop_where_none_has_failed() -> None:
    process = Process()
    process.supervisor.spawn("seal", lambda _: None)
    process.start()
    assert process.end() is None
    assert not process.told.is_set()


def test_stage_that_failed_before_anyone_waited_is_noticed() -> None:
    process, failed = Process(), threading.Event()

    def fails(_: Callable[[], None]) -> None:
        failed.set()
        raise ValueError("at once")

    process.supervisor.spawn("seal", fails)
    assert failed.wait(DEADLINE_S)
    process.start()
    assert isinstance(process.end(), StageError)


def test_first_failure_is_the_one_that_is_told() -> None:
    process = Process()

    def fails(_: Callable[[], None]) -> None:
        raise ValueError("no")

    for name in ("the first", "the second"):
        process.supervisor.spawn(name, fails)
        for thread in threading.enumerate():
            if thread.name == name:
                thread.join(DEADLINE_S)
    process.start()
    assert "the first failed" in str(process.end())


def test_watchdog_is_fed_while_every_stage_makes_progress(systemd: Systemd) -> None:
    process, stop = Process(systemd.address), threading.Event()
    process.supervisor.spawn("camera", beating(stop))
    process.supervisor.spawn("seal", beating(stop))
    process.start()
    assert [systemd.hears(), systemd.hears(), systemd.hears()] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
    stop.set()
    assert process.end() is None


def test_process_is_not_ready_before_every_stage_has_made_progress(systemd: Systemd) -> None:
    process, stop, picture = Process(systemd.address), threading.Event(), threading.Event()

    def shows(beat: Callable[[], None]) -> None:
        assert picture.wait(DEADLINE_S)
        beating(stop)(beat)

    process.supervisor.spawn("camera", shows)
    process.supervisor.spawn("seal", beating(stop))
    process.start()
    assert systemd.hears_nothing_for(1.5 * LOOK_S)
    picture.set()
    assert systemd.hears() == "READY=1"
    stop.set()
    assert process.end() is None


def test_watchdog_is_not_fed_while_one_stage_stands_still(systemd: Systemd) -> None:
    process, stop, hangs = Process(systemd.address), threading.Event(), threading.Event()

    def seals(beat: Callable[[], None]) -> None:
        beating(hangs)(beat)
        stop.wait(DEADLINE_S)

    process.supervisor.spawn("camera", beating(stop))
    process.supervisor.spawn("seal", seals)
    process.start()
    assert [systemd.hears(), systemd.hears(), systemd.hears()] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
    hangs.set()
    assert any(systemd.hears_nothing_for(2.2 * LOOK_S) for _ in range(3)), "two were on their way at most"
    stop.set()
    assert process.end() is None


def test_watchdog_is_not_fed_twice_for_the_same_progress(systemd: Systemd) -> None:
    process, stop = Process(systemd.address), threading.Event()

    def once(beat: Callable[[], None]) -> None:
        beat()
        stop.wait(DEADLINE_S)

    process.supervisor.spawn("camera", beating(stop))
    process.supervisor.spawn("seal", once)
    process.start()
    assert [systemd.hears(), systemd.hears()] == ["READY=1", "WATCHDOG=1"]
    assert systemd.hears_nothing_for(1.5 * LOOK_S)
    stop.set()
    assert process.end() is None


def test_stage_that_has_ended_is_not_waited_for(systemd: Systemd) -> None:
    process, stop = Process(systemd.address), threading.Event()
    process.supervisor.spawn("camera", lambda _: None)
    process.supervisor.spawn("seal", beating(stop))
    process.start()
    assert [systemd.hears(), systemd.hears()] == ["READY=1", "WATCHDOG=1"]
    stop.set()
    assert process.end() is None


def test_notifier_speaks_as_sd_notify_does(systemd: Systemd) -> None:
    notifier = Notifier(systemd.address)
    notifier.ready()
    notifier.alive()
    notifier.status("sending 3 parts")
    assert [systemd.hears(), systemd.hears(), systemd.hears()] == ["READY=1", "WATCHDOG=1", "STATUS=sending 3 parts"]


@pytest.mark.skipif(not hasattr(socket, "SO_PASSCRED"), reason="abstract sockets are Linux's")
def test_notifier_knows_abstract_sockets() -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.settimeout(DEADLINE_S)
    listener.bind("")  # the kernel picks a free abstract name
    address = listener.getsockname().decode()
    Notifier("@" + address[1:]).alive()
    assert listener.recv(64) == b"WATCHDOG=1"
    listener.close()


@pytest.mark.parametrize("address", [None, "", "/nowhere/at/all"])
def test_notifier_without_systemd_is_silent(address: str | None) -> None:
    Notifier(address).ready()


def test_notifier_finds_systemd_in_the_environment(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.address)
    Notifier.from_environment().ready()
    assert systemd.hears() == "READY=1"
