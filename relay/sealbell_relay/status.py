"""Asks the relay that serves a folder how it is, on the port that only this machine reaches."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from sealbell_wire.enrolment import RelayCard

ANSWER_S = 3.0
MAX_ANSWER_BYTES = 65_536


def ask(card: RelayCard | None, admin: str | None) -> dict[str, Any]:
    """Return what `GET /status` says at `admin`, with `serving`; without a relay that answers, only why not."""
    if card is None or admin is None:
        return {"serving": False, "why": "it never served from this folder"}
    address = urlsplit(admin)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/status")
        report = json.loads(connection.getresponse().read(MAX_ANSWER_BYTES))
    except (OSError, http.client.HTTPException, ValueError) as failure:
        return {"serving": False, "why": f"nothing answers at {admin}: {failure}"}
    finally:
        connection.close()
    if not isinstance(report, dict):
        return {"serving": False, "why": f"something else answers at {admin}"}
    return {"serving": True, "mqtt": card.mqtt, "http": card.http, "admin": admin, **report}
