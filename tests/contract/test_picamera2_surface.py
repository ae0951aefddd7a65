"""The stand-in for picamera2 has no name and no parameter that the library has not; on a Pi, nor has the listing."""

import ast
import importlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fakes.picamera2 as stand_in
from fakes.picamera2.list_surface import CLASSES, surface
from sealbell.watch.camera import session

FOLDER = Path(stand_in.__file__).parent
LISTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "surface.json").read_text())["classes"]
SOURCES = {
    "Picamera2": "camera.py",
    "CompletedRequest": "camera.py",
    "MappedArray": "camera.py",
    "H264Encoder": "encoders.py",
    "LibavH264Encoder": "encoders.py",
    "Output": "outputs.py",
}


def lineage(name: str) -> Iterator[dict[str, Any]]:
    """A class and what it inherits from, as listed; picamera2's own alone."""
    yield LISTED[name]
    for base in LISTED[name]["bases"]:
        yield from lineage(base)


def merged(name: str, key: str) -> Any:
    parts = [each[key] for each in lineage(name)]
    if key == "methods":
        return {method: said for part in reversed(parts) for method, said in part.items()}
    return set().union(*parts)


def ours(name: str) -> dict[str, Any]:
    source = (FOLDER / SOURCES[name]).read_text(encoding="utf-8")
    found = surface(source, name)
    for base in found["bases"]:
        inherited = surface(source, base)
        found["methods"] = inherited["methods"] | found["methods"]
        found["attributes"] += inherited["attributes"]
        found["properties"] += inherited["properties"]
    return found


def plain(parameters: list[str]) -> list[str]:
    """Parameters, with defaults that are no plain values left out: `libcamera.Transform()` exists on a Pi only."""
    return [each if "(" not in each else each.partition("=")[0] + "=None" for each in parameters]


@pytest.mark.parametrize("name", SOURCES)
def test_every_method_of_the_stand_in_is_the_librarys_with_the_same_parameters(name: str) -> None:
    theirs = merged(name, "methods")
    for method, parameters in ours(name)["methods"].items():
        assert method in theirs
        assert parameters == plain(theirs[method]), method


@pytest.mark.parametrize("name", SOURCES)
def test_every_attribute_and_property_of_the_stand_in_is_the_librarys(name: str) -> None:
    found = ours(name)
    theirs = merged(name, "properties") | merged(name, "attributes")
    assert set(found["attributes"]) | set(found["properties"]) <= theirs


def test_what_we_call_of_the_camera_and_its_encoder_exists() -> None:
    used: dict[str, set[str]] = {"camera": set(), "encoder": set()}
    for node in ast.walk(ast.parse(Path(session.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            of = ast.unparse(node.value).removeprefix("self._")
            if of in used:
                used[of].add(node.attr)
    assert len(used["camera"]) > 10
    for of, name in (("camera", "Picamera2"), ("encoder", "LibavH264Encoder"), ("encoder", "H264Encoder")):
        there = set(merged(name, "methods")) | merged(name, "properties") | merged(name, "attributes")
        assert used[of] - there <= ({"threads", "drop_final_frames"} if name == "H264Encoder" else set())


@pytest.mark.skipif(not os.environ.get("SEALBELL_REAL_CAMERA"), reason="SEALBELL_REAL_CAMERA is not set: no Pi")
@pytest.mark.parametrize("name", CLASSES)
def test_the_installed_library_still_has_what_is_listed(name: str) -> None:
    module = importlib.import_module("picamera2." + CLASSES[name].removesuffix(".py").replace("/", "."))
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    found = surface(source, name)
    used = ours(name)["methods"] if name in SOURCES else {}
    for method in used:
        if method in LISTED[name]["methods"]:
            assert found["methods"][method] == LISTED[name]["methods"][method], method
