"""Writes the tables of docs/scale.md from bench/relay.json: `make docs-scale`. Prices and habits are stated here."""

import json
import math
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "scale.md"
FOUND = ROOT / "bench" / "relay.json"
BEGIN, END = "<!-- reckoned -->\n", "<!-- end -->\n"

DOORBELLS = 1_000_000
CELL = 20_000  # doorbells that share a bucket and a cluster of brokers
CLIPS_A_DAY, CLIP_S = 20, 20
MEDIA_BYTES = 250_000  # a second at 2 Mbit/s
NOTICES_A_CLIP, NOTICE_BYTES = 3.85, 39_000  # the first, and the updates that cover presses (decision 16)
OTHER_PARTS_A_CLIP = 2  # init and manifest
HEALTHS_A_DAY, HEALTH_BYTES = 96, 11_000
PACKS_A_CLIP = 2
DAYS = 30
PEAK = 4  # the busiest hour over the mean
BUSY_SHARE = 0.5  # of a processor, at the peak
WATCHED_SHARE = 0.05  # of what is recorded is ever fetched

# AWS's public list for S3 Standard and traffic to the internet, us-east-1, in dollars, as known in 2025; no discounts.
GB_MONTH, GB_OUT, PUT, GET = 0.021, 0.05, 0.005 / 1_000, 0.0004 / 1_000
CORE_MONTH = 27.0  # c7g, on demand: 0.0363 an hour and processor
GB = 1e9


def reckon(found: dict[str, Any]) -> dict[str, float]:
    """Return every figure of the page, from what was measured and what is assumed above."""
    fleet, crowd = found["fleet"], found["crowd"]
    media = CLIPS_A_DAY * CLIP_S
    notices = CLIPS_A_DAY * NOTICES_A_CLIP
    parts = media + notices + CLIPS_A_DAY * OTHER_PARTS_A_CLIP
    day_bytes = media * MEDIA_BYTES + notices * NOTICE_BYTES + HEALTHS_A_DAY * HEALTH_BYTES
    parts_s = DOORBELLS * parts / 86_400
    puts_a_part = parts + notices + HEALTHS_A_DAY + CLIPS_A_DAY * PACKS_A_CLIP  # notices have an index entry each
    month_puts = DOORBELLS * puts_a_part * 30
    stored = DOORBELLS * media * MEDIA_BYTES * DAYS + DOORBELLS * notices * NOTICE_BYTES * DAYS
    cores = parts_s * PEAK / BUSY_SHARE / 1e3
    relay_cores, broker_cores = cores * fleet["cpu_ms_a_part"]["three"], cores * fleet["broker_cpu_ms_a_part"]["three"]
    return {
        "parts_a_day": parts,
        "mb_a_day": day_bytes / 1e6,
        "parts_a_second": parts_s,
        "parts_a_second_at_the_peak": parts_s * PEAK,
        "gb_a_second_at_the_peak": DOORBELLS * day_bytes / 86_400 * PEAK / GB,
        "relay_cores": relay_cores,
        "broker_cores": broker_cores,
        "broker_gib": DOORBELLS * crowd["broker_kib_an_idle_doorbell"] / 2**20,
        "relay_gib": DOORBELLS * max(0.0, crowd["relay_kib_an_idle_doorbell"]) / 2**20,
        "stored_pb": stored / 1e15,
        "objects": DOORBELLS * DAYS * (CLIPS_A_DAY * PACKS_A_CLIP + notices),
        "puts_a_month": month_puts,
        "storage_cost": stored / GB * GB_MONTH,
        "put_cost": month_puts * PUT,
        "get_cost": DOORBELLS * parts * 30 * (WATCHED_SHARE + 1) * GET,  # each part is read once to be packed
        "out_cost": DOORBELLS * day_bytes * 30 * WATCHED_SHARE / GB * GB_OUT,
        "core_cost": (relay_cores + broker_cores) * CORE_MONTH,
    }


def tables(found: dict[str, Any]) -> str:
    """Return what stands between the marks."""
    of = reckon(found)
    costs = [
        ("requests to store parts, notices, health and packs", of["put_cost"]),
        ("storage", of["storage_cost"]),
        ("traffic to owners", of["out_cost"]),
        ("requests to read", of["get_cost"]),
        ("processors", of["core_cost"]),
    ]
    total = sum(cost for _, cost in costs)
    lines = [
        "| a million doorbells | |",
        "|---|---|",
        f"| parts a second | {of['parts_a_second']:,.0f} |",
        f"| parts a second in the busiest hour | {of['parts_a_second_at_the_peak']:,.0f} |",
        f"| bytes a second in the busiest hour | {of['gb_a_second_at_the_peak']:.1f} GB |",
        f"| processors for relays, half busy then | {math.ceil(of['relay_cores']):,} |",
        f"| processors for brokers, half busy then | {math.ceil(of['broker_cores']):,} |",
        f"| memory of brokers for connections | {of['broker_gib']:.0f} GiB |",
        f"| memory of relays for connections | {of['relay_gib']:.1f} GiB |",
        f"| stored, 30 days | {of['stored_pb']:.1f} PB in {of['objects'] / 1e9:.1f} thousand million objects |",
        "",
        "| a month, dollars | for all | a doorbell |",
        "|---|---|---|",
        *(f"| {what} | {cost:,.0f} | {cost / DOORBELLS:.3f} |" for what, cost in costs),
        f"| together | {total:,.0f} | {total / DOORBELLS:.3f} |",
        "",
    ]
    return "\n".join(lines)


def written(page: str, found: dict[str, Any]) -> str:
    """Return the page with its tables made anew."""
    head, _, rest = page.partition(BEGIN)
    return head + BEGIN + "\n" + tables(found) + "\n" + END + rest.partition(END)[2]


def main() -> int:
    """Write the page."""
    found = json.loads(FOUND.read_text(encoding="utf-8"))
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
