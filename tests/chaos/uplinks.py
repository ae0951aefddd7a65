"""A process of several doorbells' uplinks: `uplinks.py SETTINGS.json`, each over its own outbox, until it is killed."""

import json
import logging
import random
import secrets
import sys
import threading
from pathlib import Path
from typing import Any

from sealbell.clock import SystemClock
from sealbell.notify import Notifier
from sealbell.uplink.courier import Courier
from sealbell.uplink.link import LinkTeller
from sealbell.uplink.main import Uplink
from sealbell.uplink.mqtt import MqttTransport
from sealbell.uplink.outbox import OutboxReader
from sealbell_wire import topics


def uplink(doorbell: dict[str, str], settings: dict[str, Any]) -> Uplink:
    """One doorbell's network side, put together as sealbell.uplink.main does for a doorbell's folder."""
    clock, jitter = SystemClock(secrets.token_hex(16)), random.SystemRandom().random
    folder = Path(doorbell["folder"])
    transport = MqttTransport(
        settings["mqtt"],
        doorbell["id"],
        doorbell["credential"],
        topics.down_filter(doorbell["id"]),
        clock.now_us,
        jitter,
    )
    link = LinkTeller(folder / "inbox", "relay", clock, lambda: transport.why)
    outbox, key = OutboxReader(folder / "outbox"), bytes.fromhex(settings["receipt_key"])
    return Uplink(doorbell["id"], key, outbox, Courier(jitter), transport, clock, link)


def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    logging.basicConfig(format="%(asctime)s %(threadName)s %(message)s", level=logging.INFO)
    threads = [
        threading.Thread(
            target=uplink(doorbell, settings).run, args=(threading.Event(), Notifier(None)), name=doorbell["id"][:4]
        )
        for doorbell in settings["doorbells"]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
