"""Writes the tables of docs/api.md from docs/openapi.json: `python docs/write_api.py`."""

import json
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
BEGIN, END = "<!-- from openapi.json: -->\n", "<!-- end -->\n"


def operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (method, path, operation) of each, as they stand in the description."""
    return [
        (method.upper(), path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


def tables(description: dict[str, Any]) -> str:
    """Return the tables that stand in docs/api.md."""
    lines = ["| request | does | without a token | answers |", "|---|---|---|---|"]
    for method, path, operation in operations(description):
        free = "yes" if operation.get("security") == [] else ""
        statuses = ", ".join(operation["responses"])
        lines.append(f"| `{method} {path}` | {operation['summary']} | {free} | {statuses} |")
    lines += ["", "| request | parameter | what it is |", "|---|---|---|"]
    for method, path, operation in operations(description):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] != "path":
                text = parameter["description"]
                if "default" in parameter["schema"]:
                    text += f" (default: {parameter['schema']['default']})"
                where = " (header)" if parameter["in"] == "header" else ""
                lines.append(f"| `{method} {path}` | `{parameter['name']}`{where} | {text} |")
    lines += ["", "| status | when |", "|---|---|"]
    for name, response in description["components"]["responses"].items():
        lines.append(f"| {name.removeprefix('E')} | {response['description']} |")
    return "\n".join(lines) + "\n"


def page(text: str, description: dict[str, Any]) -> str:
    """Return docs/api.md with its tables as the description has them."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{tables(description)}{END}{after}"


def main() -> int:
    """Write the page anew."""
    path = DOCS / "api.md"
    description = json.loads((DOCS / "openapi.json").read_text("utf-8"))
    path.write_text(page(path.read_text("utf-8"), description), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
