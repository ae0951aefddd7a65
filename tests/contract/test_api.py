"""The API as docs/openapi.json describes it, asked of a real relay: nothing undescribed is answered, nothing fails."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS, load_all_checks

from parts_factory import Doorbell, Owner
from sealbell_testing.relay import Relay, serving
from sealbell_testing.waiting import DEADLINE_S

ROOT = Path(__file__).parents[2]
DESCRIPTION = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
OWNERS = [Owner(1), Owner(2)]
BELLS = [Doorbell(1, OWNERS[0]), Doorbell(2, OWNERS[1])]
ENDLESS = {"/v1/notices", "/v1/doorbells/{doorbell}/follow"}
EXAMPLES = 30

load_all_checks()
NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
FINITE = SCHEMA.exclude(path=sorted(ENDLESS))


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    with serving(tmp_path_factory.mktemp("api") / "relay", "--trusted-proxy", "127.0.0.1") as relay:
        relay.allow(*(owner.card for owner in OWNERS), *(bell.card for bell in BELLS))
        yield relay
        assert not [line for line in relay.lines if line.startswith("error")]


@pytest.fixture(scope="module")
def seen() -> Counter[tuple[str, int]]:
    return Counter()


@FINITE.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_is_described(
    case: schemathesis.Case, relay: Relay, seen: Counter[tuple[str, int]]
) -> None:
    count = seen.total()
    owner = OWNERS[count % 2]
    headers = {"X-Forwarded-For": f"198.51.{count // 200 % 200}.{count % 200}"}
    if count % 5:
        headers |= owner.authorization
    if count % 3 and case.path_parameters and "doorbell" in case.path_parameters:
        case.path_parameters["doorbell"] = BELLS[count % 2].id  # else a made-up one
    if case.query and "follow" in case.query:
        case.query["follow"] = 0
    case.headers = {}  # its own would be tokens that nobody has
    answer = case.call(base_url=relay.card.http, headers=headers, timeout=DEADLINE_S)
    seen[f"{case.method} {case.path}", answer.status_code] += 1
    case.validate_response(answer, checks=[CHECKS.get_one(name) for name in NAMES])


@pytest.mark.parametrize("path", sorted(ENDLESS))
def test_streams_that_do_not_end_refuse_as_described(relay: Relay, path: str) -> None:
    described = DESCRIPTION["paths"][path]["get"]["responses"]
    url = relay.card.http + path.format(doorbell=BELLS[0].id)
    for shown, query, expected in (
        ({}, "", 401),
        (OWNERS[0].authorization, "?after=nonsense", 400),
        (OWNERS[0].authorization, "", 200),
        (OWNERS[1].authorization, "", 404 if "{" in path else 200),
    ):
        with requests.get(url + query, headers=shown, stream=True, timeout=DEADLINE_S) as answer:
            assert answer.status_code == expected
            assert str(expected) in described
            if expected == 200:
                (kind,) = described["200"]["content"]
                assert answer.headers["Content-Type"] == kind


def test_all_that_is_promised_was_seen(seen: Counter[tuple[str, int]]) -> None:
    """Guards the test above: had it only met strangers, it would have shown nothing."""
    if not seen:
        pytest.skip("runs with the test above it")
    for path, methods in DESCRIPTION["paths"].items():
        for method in methods:
            met = {status for operation, status in seen if operation == f"{method.upper()} {path}"}
            assert path in ENDLESS or met, (method, path)
            if method == "get" and path not in ENDLESS and "{clip}" not in path:
                assert 200 in met, (path, met)
            if path.startswith("/v1") and path not in {"/v1/owners", *ENDLESS}:
                assert 401 in met, (path, met)


def test_what_the_server_answers_is_what_is_described(tmp_path: Path) -> None:
    """Every route is in the description, and everything described has a route: the server is asked for each."""
    with serving(tmp_path / "relay") as relay:
        relay.allow(OWNERS[0].card, BELLS[0].card)
        described = {(method.upper(), path) for path, methods in DESCRIPTION["paths"].items() for method in methods}
        assert routes() == described
        for method, path in sorted(described):
            url = relay.card.http + path.format(doorbell=BELLS[0].id, clip=BELLS[0].clip_id())
            with requests.request(method, url, stream=True, timeout=DEADLINE_S) as answer:
                assert answer.status_code not in (404, 405) or "{clip}" in path
        assert urlsplit(relay.card.http).scheme == "http"


def routes() -> set[tuple[str, str]]:
    """What main.py gives the server, read from the modules of sealbell_relay.http."""
    found = set[tuple[str, str]]()
    for module in sides():
        found |= {(route.method, route.path) for route in module}
    return found


def sides() -> list[list[web.RouteDef]]:
    from sealbell_relay.http import enrol, keep, notices, owners, public  # noqa: PLC0415

    classes = (enrol.EnrolSide, keep.KeepSide, notices.NoticesSide, owners.OwnersSide, public.PublicSide)
    return [object.__new__(each).routes() for each in classes]
