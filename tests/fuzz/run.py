"""Fuzz for as long as one likes: `python tests/fuzz/run.py [--seconds N] [TARGET...]`, N seconds for each target.

Guided by coverage where atheris is installed, else by hypothesis. An input that breaks a promise is kept below
build/fuzz/, printed by its path, and the exit status is 1; `--replay FILE TARGET` runs it again.
"""

import argparse
import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "build" / "fuzz"
ATHERIS = importlib.util.find_spec("atheris") is not None
EXAMPLES_PER_ROUND = 500
MAX_INPUT_BYTES = 70_000  # a notice's plaintext and more

sys.path.insert(0, str(ROOT / "tests"))


def main() -> int:
    """Fuzz the targets that are named, or all; 0 if every promise held, 1 if not, 2 for wrong usage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="for each target (default: 10)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run one input again")
    parser.add_argument("--guided", action="store_true", help=argparse.SUPPRESS)  # the process that atheris ends
    parser.add_argument("names", nargs="*", metavar="TARGET")
    options = parser.parse_args()
    if options.guided:
        fuzz_by_coverage(options.names[0], options.seconds)

    from fuzz.inputs import targets  # noqa: PLC0415 - under atheris it is imported instrumented, see above

    known = targets()
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(known)}")
    if options.replay:
        for name in options.names:
            known[name].run(options.replay.read_bytes())
        return 0
    fuzz = fuzz_in_a_process if ATHERIS else fuzz_by_hypothesis
    broken = [name for name in options.names or known if not fuzz(name, options.seconds)]
    print(f"{len(broken)} of {len(options.names or known)} targets broke a promise: {', '.join(broken) or 'none'}")
    return 1 if broken else 0


def fuzz_in_a_process(name: str, seconds: int) -> bool:
    """Fuzz one target in a process of its own, since atheris ends the process that it runs in."""
    print(f"{name}: {seconds} s, guided by coverage", flush=True)
    command = [sys.executable, __file__, "--guided", "--seconds", str(seconds), name]
    return subprocess.run(command, check=False).returncode == 0


def fuzz_by_coverage(name: str, seconds: int) -> None:
    """Fuzz one target by atheris, beginning with its seeds. Never returns."""
    import atheris  # noqa: PLC0415 - not everyone has it

    with atheris.instrument_imports(include=["sealbell_wire", "sealbell", "sealbell_relay", "sealbell_owner"]):
        from fuzz.inputs import targets  # noqa: PLC0415

        target = targets()[name]  # imports what it tests
    kept = FOUND / name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        for seed in target.seeds:
            Path(corpus, hashlib.sha256(seed).hexdigest()).write_bytes(seed)
        flags = [f"-max_total_time={seconds}", f"-max_len={MAX_INPUT_BYTES}", f"-artifact_prefix={kept}/"]
        atheris.Setup([sys.argv[0], *flags, "-print_final_stats=1", "-verbosity=0", corpus], target.run)
        atheris.Fuzz()


def fuzz_by_hypothesis(name: str, seconds: int) -> bool:
    """Fuzz one target by rounds of random examples until the time is over; whether every promise held."""
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415 - see main

    from fuzz.inputs import inputs, targets  # noqa: PLC0415

    target = targets()[name]
    last = b""
    examples = 0

    @settings(max_examples=EXAMPLES_PER_ROUND, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(data=inputs(target.seeds))
    def one_round(data: bytes) -> None:
        nonlocal last, examples
        last, examples = data, examples + 1
        target.run(data)

    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            one_round()
    except Exception:
        traceback.print_exc()
        path = FOUND / name / hashlib.sha256(last).hexdigest()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(last)  # hypothesis runs the smallest input that it found last
        print(f"{name}: a promise is broken by {path.relative_to(ROOT)}", flush=True)
        return False
    print(f"{name}: {examples} examples", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
