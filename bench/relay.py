"""Everything that is promised about the relay's speed, and how its cost grows: `make bench-relay` writes relay.json.

Nothing here fails: a benchmark is not a test.
"""

import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import relay_crowd
import relay_fleet
import relay_pages
import relay_rate
from run import kept

RESULTS = Path(__file__).with_name("relay.json")


def promises(found: dict[str, Any]) -> list[tuple[str, float, str, float]]:
    """Return each promise as (what, measured, at least or at most, promised)."""
    crowd = found["crowd"]
    rows: list[tuple[str, float, str, float]] = []
    for name, load in found["folder"].items():
        rows.append((f"receipted parts over bare writes and fsyncs, {name}", load["ratio"], ">=", 0.6))
    for name, load in found["s3"].items():
        rows.append((f"receipted parts over the store's own rate on S3, {name}", load["ratio"], ">=", 0.8))
    rows += [
        ("2,000 idle, 200 uploading: the latest receipt, s", crowd["receipt_s"]["max"], "<=", 2.0),
        ("2,000 idle, 200 uploading: parts without a receipt", crowd["without_receipt"], "<=", 0),
        ("relay memory for an idle doorbell, KiB", crowd["relay_kib_an_idle_doorbell"], "<=", 50),
        ("three relays carry, times one, by work a part", found["fleet"]["three_carry_times_one"], ">=", 1.8),
    ]
    for name, asked in found["pages"].items():
        if isinstance(asked, dict):
            rows.append((f"p95 with 100,000 clips over that with 100, {name}", asked["ratio"], "<=", 1.5))
    return rows


def main() -> int:
    """Measure, write, print."""
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "folder": relay_rate.on_a_folder,
        "s3": relay_rate.on_s3,
        "crowd": relay_crowd.measure,
        "pages": relay_pages.measure,
        "fleet": relay_fleet.measure,
    }
    found: dict[str, Any] = {"machine": f"{platform.machine()}, Python {platform.python_version()}"}
    for name, measure in steps.items():
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        found[name] = measure()
    rows = promises(found)
    found["promises"] = [
        {"what": w, "measured": m, "is": i, "promised": p, "kept": kept(m, i, p)} for w, m, i, p in rows
    ]
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    for what, measured, relation, promised in rows:
        mark = "kept  " if kept(measured, relation, promised) else "BROKEN"
        print(f"{mark}  {what}: {measured:g} (promised {relation} {promised:g})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
