"""Asks the relay that serves a folder how it is."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from sealbell_wire.enrolment import RelayCard

ANSWER_S = 3.0
MAX_ANSWER_BYTES = 65_536


def ask(card: RelayCard | None) -> dict[str, Any]:
    """Return what `GET /healthz` says, with `serving`; without a relay that answers, only why not."""
    if card is None:
        return {"serving": False, "why": "it never served from this folder"}
    address = urlsplit(card.http)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/healthz")
        report = json.loads(connection.getresponse().read(MAX_ANSWER_BYTES))
    except (OSError, http.client.HTTPException, ValueError) as failure:
        return {"serving": False, "why": f"nothing answers at {card.http}: {failure}"}
    finally:
        connection.close()
    if not isinstance(report, dict):
        return {"serving": False, "why": f"something else answers at {card.http}"}
    return {"serving": True, "mqtt": card.mqtt, "http": card.http, **report}
