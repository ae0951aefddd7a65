"""The demo, as a stranger runs it: the whole path on real footage, through real processes."""

import json
import subprocess
from pathlib import Path
from typing import Any

import av
import pytest

from sealbell.demo import processes

FOOTAGE = Path(__file__).parents[1] / "footage"
STATIC = FOOTAGE / "derived_static_onebyone_0-55.mp4"
TREE = FOOTAGE / "opencv_tree.avi"
CLIP_KEYS = {
    "clip", "footage", "trigger", "motion_s", "start_s", "end_s", "parts", "bytes", "interrupted", "verified", "opened",
}  # fmt: skip


def demo(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [processes.command("sealbell"), "demo", "--once", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    out = tmp_path_factory.mktemp("demo") / "out"
    run = demo("--footage", STATIC, TREE, "--press", "3", "--out", out)
    assert run.returncode == 0, run.stdout + run.stderr
    return out, json.loads((out / "report.json").read_text()), run.stdout


def test_the_report_has_exactly_the_keys_that_programs_rely_on(done: tuple[Path, dict[str, Any], str]) -> None:
    out, report, _ = done
    assert report.keys() == {"clips", "wiretap", "latency_ms"}
    assert report["latency_ms"] == {"trigger_to_notice": None, "trigger_to_media": None}
    for clip in report["clips"]:
        assert clip.keys() == CLIP_KEYS
        assert clip["verified"] is True
        assert clip["interrupted"] is False
        assert (out / clip["opened"]).is_file()
    assert {clip["footage"] for clip in report["clips"]} == {str(STATIC), str(TREE)}


def test_a_press_is_recorded_with_its_preroll_though_nothing_moves(done: tuple[Path, dict[str, Any], str]) -> None:
    _, report, _ = done
    (clip,) = [clip for clip in report["clips"] if clip["footage"] == str(STATIC)]
    assert clip["trigger"] == "button"
    assert clip["motion_s"] == []
    assert clip["start_s"] == pytest.approx(0.0, abs=0.2)
    assert clip["end_s"] == pytest.approx(5.6, abs=0.3)


def test_the_hand_is_caught_and_the_leaves_are_not(done: tuple[Path, dict[str, Any], str]) -> None:
    _, report, _ = done
    clips = [clip for clip in report["clips"] if clip["footage"] == str(TREE)]
    assert [clip["trigger"] for clip in clips] == ["button", "motion"]
    hand = clips[1]
    assert 22.8 <= hand["motion_s"][0][0] <= 25.0
    assert hand["start_s"] <= hand["motion_s"][0][0] - 3.0


def test_what_was_opened_plays_from_its_first_to_its_last_moment(done: tuple[Path, dict[str, Any], str]) -> None:
    out, report, _ = done
    for clip in report["clips"]:
        with av.open(str(out / clip["opened"])) as container:
            stream = container.streams.video[0]
            times = [float(frame.pts * stream.time_base) for frame in container.decode(stream)]
        assert times[0] == pytest.approx(0.0, abs=0.01)
        assert times == sorted(times)
        assert times[-1] <= clip["end_s"] - clip["start_s"] <= times[-1] + 5.0


def test_a_warrant_gets_no_picture(done: tuple[Path, dict[str, Any], str]) -> None:
    _, report, stdout = done
    assert report["wiretap"]["hits"] == 0
    assert report["wiretap"]["bytes"] > 1_000_000
    assert "what a warrant served on the relay would get" in stdout
    assert "refused: no match" in stdout


def test_it_leaves_what_it_says(done: tuple[Path, dict[str, Any], str]) -> None:
    out, _, _ = done
    assert (out / "relay").is_dir()
    identity = (out / "owner" / "identity.txt").read_text()
    assert len([line for line in identity.splitlines() if line.startswith("AGE-SECRET-KEY-PQ-1")]) == 1


def test_unreadable_footage_ends_with_two_and_writes_nothing(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.mp4"
    garbage.write_bytes(b"no video at all" * 100)
    for footage in (garbage, tmp_path / "absent.mp4", tmp_path):
        run = demo("--footage", footage, "--out", tmp_path / "out")
        assert run.returncode == 2
        assert str(footage) in run.stderr
        assert "Traceback" not in run.stderr
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("moment", ["nan", "inf", "-1", "1e300", "soon"])
def test_a_press_at_no_moment_is_wrong_usage(tmp_path: Path, moment: str) -> None:
    run = demo("--footage", STATIC, f"--press={moment}", "--out", tmp_path / "out")
    assert run.returncode == 2
    assert "--press" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    run = demo("--footage", STATIC, "--out", out)
    assert run.returncode == 2
    assert "in use" in run.stderr
    assert [path.name for path in out.iterdir()] == ["mine"]


def test_footage_in_which_nothing_happens_gives_no_clip_and_is_done(tmp_path: Path) -> None:
    run = demo("--footage", STATIC, "--out", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    assert json.loads((tmp_path / "out" / "report.json").read_text())["clips"] == []


def test_at_real_pace_the_report_tells_how_long_a_ring_takes(tmp_path: Path) -> None:
    run = demo("--footage", STATIC, "--press", "2", "--pace", "real", "--out", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    latency = json.loads((tmp_path / "out" / "report.json").read_text())["latency_ms"]
    assert latency["trigger_to_notice"]["n"] == 1
    assert 0 <= latency["trigger_to_notice"]["p50"] < 5_000
    assert latency["trigger_to_media"]["n"] == 1


def test_two_demos_side_by_side_do_not_collide(tmp_path: Path) -> None:
    command = [processes.command("sealbell"), "demo", "--once", "--footage", str(STATIC), "--press", "2", "--out"]
    runs = [
        subprocess.Popen([*command, str(tmp_path / name)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    for run in runs:
        _, errors = run.communicate(timeout=240)
        assert run.returncode == 0, errors
    reports = [json.loads((tmp_path / name / "report.json").read_text()) for name in ("one", "two")]
    assert [len(report["clips"]) for report in reports] == [1, 1]
    assert reports[0]["clips"][0]["clip"] != reports[1]["clips"][0]["clip"]
