"""Answers in JSON. What all answers have in common is guards.py's."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web


def answer(value: dict[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a JSON answer."""
    asked = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return web.json_response(value, status=status, headers={**asked, **(headers or {})})
