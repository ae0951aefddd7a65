"""Links and pictures of every page lead somewhere."""

import re
import unicodedata
import xml.etree.ElementTree as ET

import pytest

from docs.pages import ROOT, Page, files, page, pages

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_SOURCE = re.compile(r"<(?:img|source|a)\b[^>]*\b(?:src|srcset|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def links() -> list[tuple[Page, str]]:
    """Return every link that leads somewhere inside the project."""
    found = [(one, link) for one in pages() for link in _LINK.findall(one.prose) + _SOURCE.findall(one.prose)]
    return [(one, link) for one, link in found if not re.match(r"https?:|mailto:", link)]


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    slugs: list[str] = []
    for heading in _HEADING.findall(text):
        plain = unicodedata.normalize("NFC", re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        slugs.append(f"{slug}-{slugs.count(slug)}" if slug in slugs else slug)
    return set(slugs)


@pytest.mark.parametrize(("origin", "link"), links(), ids=lambda value: getattr(value, "name", value))
def test_links_lead_somewhere(origin: Page, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (ROOT / origin.name).parent / path if path else ROOT / origin.name
    name = target.resolve().relative_to(ROOT).as_posix()
    known = files()
    assert name in known or any(file.startswith(f"{name}/") for file in known), f"{origin.name}: {link} leads nowhere"
    if anchor:
        assert anchor in anchors(page(name).prose), f"{origin.name}: {name} has no heading for #{anchor}"


@pytest.mark.parametrize("name", [name for name in files() if name.endswith(".svg")])
def test_pictures_say_in_words_what_they_show(name: str) -> None:
    root = ET.parse(ROOT / name).getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert root.findtext(f"{space}title")
    assert root.findtext(f"{space}desc")


def test_every_picture_is_shown_on_a_page_with_a_description() -> None:
    shown = {name.rsplit("/", 1)[-1] for one in pages() for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", one.prose)}
    assert {name.rsplit("/", 1)[-1] for name in files() if name.endswith(".svg")} <= shown


def test_the_front_page_shows_its_picture_before_the_first_command() -> None:
    text = page("README.md").text
    assert 0 < text.index(".svg)") < text.index("make demo") < text.index("make test")
