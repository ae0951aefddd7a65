"""Answers in JSON, never stored on the way."""

from typing import Any

from aiohttp import web


def answer(value: dict[str, Any], status: int = 200) -> web.Response:
    """Return a JSON answer."""
    headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
    return web.json_response(value, status=status, headers=headers)
