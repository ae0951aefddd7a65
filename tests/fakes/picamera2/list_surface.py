"""Lists what classes offer: names and signatures, read from source without running it.

`python tests/fakes/picamera2/list_surface.py FOLDER VERSION COMMIT > surface.json` lists picamera2's, from a checkout.
"""

import ast
import json
import sys
from pathlib import Path
from typing import Any

CLASSES = {
    "Picamera2": "picamera2.py",
    "CompletedRequest": "request.py",
    "MappedArray": "request.py",
    "Encoder": "encoders/encoder.py",
    "V4L2Encoder": "encoders/v4l2_encoder.py",
    "H264Encoder": "encoders/h264_encoder.py",
    "LibavH264Encoder": "encoders/libav_h264_encoder.py",
    "Output": "outputs/output.py",
}
PROPERTY = "property"


def surface(source: str, name: str) -> dict[str, Any]:
    """Bases, methods with their parameters, properties and public attributes of one class."""
    tree = ast.parse(source)
    (found,) = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name)
    functions = [node for node in found.body if isinstance(node, ast.FunctionDef)]
    properties = {node.name for node in functions if any(_said(mark) == PROPERTY for mark in node.decorator_list)}
    return {
        "bases": [ast.unparse(base) for base in found.bases],
        "methods": {
            node.name: _parameters(node.args)
            for node in functions
            if (not node.name.startswith("_") or node.name == "__init__") and node.name not in properties
        },
        "properties": sorted(properties),
        "attributes": sorted(_attributes(found)),
    }


def _said(mark: ast.expr) -> str:
    return ast.unparse(mark)


def _parameters(arguments: ast.arguments) -> list[str]:
    plain = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
    said = [
        each.arg if default is None else f"{each.arg}={ast.unparse(default)}"
        for each, default in zip(plain, defaults, strict=True)
    ]
    return [each for each in said if each not in ("self", "cls")]


def _attributes(found: ast.ClassDef) -> set[str]:
    targets = [
        target
        for node in ast.walk(found)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for whole in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for target in (whole.elts if isinstance(whole, ast.Tuple) else [whole])
    ]
    own = {each.attr for each in targets if isinstance(each, ast.Attribute) and ast.unparse(each.value) == "self"}
    return {name for name in own if not name.startswith("_")}


def main(folder: str, version: str, commit: str) -> None:
    """Print the listing of a checkout."""
    listing = {
        "source": "raspberrypi/picamera2, BSD-2-Clause: names and signatures only",
        "version": version,
        "commit": commit,
        "classes": {
            name: surface((Path(folder) / "picamera2" / path).read_text(encoding="utf-8"), name)
            for name, path in CLASSES.items()
        },
    }
    json.dump(listing, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
