"""Records are indexed, and the tests that pages cite exist."""

import re
import tomllib

import pytest

from docs.pages import ROOT, files, page, pages

DECISIONS = ROOT / "docs" / "decisions"
_TEST = re.compile(r"(?:[\w/]+\.py::)?(test_[a-z0-9_]+)")
_ROW = re.compile(r"^\| (\d{4}) \| \[(.+?)\]\((\d{4}-[a-z0-9-]+\.md)\) \|", re.MULTILINE)


def test_every_decision_record_is_indexed_under_its_title() -> None:
    rows = {name: (number, title) for number, title, name in _ROW.findall(page("docs/decisions/README.md").text)}
    records = {path.name: path.read_text(encoding="utf-8") for path in DECISIONS.glob("[0-9]*.md")}
    assert set(rows) == set(records)
    for name, text in records.items():
        number, title = rows[name]
        assert name.startswith(f"{number}-")
        assert text.splitlines()[0] == f"# {int(number)}. {title}"


def test_no_two_decision_records_share_a_number() -> None:
    numbers = [path.name[:4] for path in DECISIONS.glob("[0-9]*.md")]
    assert sorted(numbers) == sorted(set(numbers))


def defined_tests() -> set[str]:
    """Return the name of every test function there is."""
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for source in sources for name in re.findall(r"^\s*def (test_\w+)\(", source, re.MULTILINE)}


def cited() -> list[tuple[str, str]]:
    """Return (page, test) for each test that a page names."""
    return sorted({(one.name, m[1]) for one in pages() for span in one.spans if (m := _TEST.fullmatch(span))})


@pytest.mark.parametrize(("name", "test"), cited())
def test_cited_tests_exist(name: str, test: str) -> None:
    assert test in defined_tests(), f"{name} cites {test}, which is not there"


def test_every_promise_of_the_threat_model_cites_a_test() -> None:
    rows = [row for row in page("docs/threat-model.md").section("Promises").splitlines() if row.startswith("| ")]
    bare = [row for row in rows[1:] if not re.search(r"`test_[a-z0-9_]+`", row)]
    assert rows[1:]
    assert not bare


def test_every_import_rule_is_explained() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    section = page("docs/architecture.md").section("Import rules")
    explained = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)[1:]
    assert [row for row in explained if not set(row) <= set("-|")] == [rule["name"] for rule in contracts["contracts"]]


def paths() -> list[tuple[str, str]]:
    """Return (page, path) for each file or folder of the project that a page names as code."""
    tops = {name.split("/", maxsplit=1)[0] for name in files() if "/" in name}
    found = {(one.name, span) for one in pages() for span in one.spans if re.fullmatch(r"[\w.-]+/[\w./-]*", span)}
    return sorted((name, span) for name, span in found if span.split("/", maxsplit=1)[0] in tops)


@pytest.mark.parametrize(("name", "path"), paths())
def test_named_files_and_folders_exist(name: str, path: str) -> None:
    assert (ROOT / path).exists(), f"{name} names {path}, which is not there"
