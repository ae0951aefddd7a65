"""Draws the pictures of README and docs: `make pictures`. Standard library only, and the same bytes every time.

Each picture brings its own light card, so that it reads alike on a light and on a dark page.
"""

import sys
from html import escape
from pathlib import Path

INK, SOFT, RULE, CARD, WHITE = "#1d2733", "#556270", "#c9cfd6", "#f7f5f0", "#ffffff"
OPEN, SEALED = "#b4500f", "#1f5296"
OPEN_TINT, SEALED_TINT = "#fbe9dc", "#e2ecf8"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif"
LINE_PX = 17


class Drawing:
    """Collects shapes; coordinates in pixels from the top left corner."""

    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        self._shapes = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-labelledby="title description" font-family="{FONT}">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(description)}</desc>',
            "<defs>",
            *(_arrow_head(name, colour) for name, colour in (("open", OPEN), ("sealed", SEALED), ("soft", SOFT))),
            "</defs>",
            f'<rect width="{width}" height="{height}" rx="14" fill="{CARD}"/>',
        ]

    def box(self, x: int, y: int, width: int, height: int, fill: str = WHITE, stroke: str = RULE) -> None:
        """Draw a box with round corners."""
        self._shapes.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{fill}" stroke="{stroke}" '
            'stroke-width="1.5"/>'
        )

    def folder(self, x: int, y: int, width: int, height: int) -> None:
        """Draw a folder for sealed files."""
        outline = f"M{x} {y + height}V{y}h{width // 2 - 6}l8 10H{x + width}V{y + height}z"
        self._shapes.append(
            f'<path d="{outline}" fill="{SEALED_TINT}" stroke="{SEALED}" stroke-width="1.5" stroke-linejoin="round"/>'
        )

    def padlock(self, x: int, y: int) -> None:
        """Draw a closed padlock, 14 wide and 18 high."""
        self._shapes.append(
            f'<path d="M{x + 3} {y + 8}V{y + 5}a4 4 0 0 1 8 0v3" fill="none" stroke="{SEALED}" stroke-width="2"/>'
            f'<rect x="{x}" y="{y + 8}" width="14" height="10" rx="2" fill="{SEALED}"/>'
        )

    def text(
        self, x: int, y: int, *lines: str, size: int = 13, colour: str = INK, bold: bool = False, anchor: str = "middle"
    ) -> None:
        """Write lines of text, the first on the baseline `y`."""
        weight = ' font-weight="600"' if bold else ""
        for number, line in enumerate(lines):
            self._shapes.append(
                f'<text x="{x}" y="{y + number * LINE_PX}" font-size="{size}" fill="{colour}" '
                f'text-anchor="{anchor}"{weight}>{escape(line)}</text>'
            )

    def line(self, path: str, kind: str, *, dashed: bool = False, arrow: bool = True) -> None:
        """Draw an SVG path as a line: `kind` is open, sealed or soft."""
        colour = {"open": OPEN, "sealed": SEALED, "soft": SOFT}[kind]
        dashes = ' stroke-dasharray="2 4"' if dashed else ""
        head = f' marker-end="url(#{kind})"' if arrow else ""
        width = 1.5 if kind == "soft" else 2.5
        self._shapes.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}{head}/>')

    def svg(self) -> str:
        """Return the finished picture."""
        return "\n".join([*self._shapes, "</svg>"]) + "\n"


def _arrow_head(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="11" markerHeight="11" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
    )


def way_of_a_clip() -> str:
    """Draw how a clip goes from the camera to its owner, and where it is sealed."""
    drawing = Drawing(
        920,
        424,
        "The way of a clip",
        "The doorbell's watch process records and seals each second of video, and puts it as a file into its outbox. "
        "Its uplink process sends it by MQTT to the relay, which stores it and signs a receipt. Only the owner's tools "
        "can open it. Whoever seizes the relay gets sealed files, sizes and times, and no picture.",
    )
    _doorbell(drawing)
    _relay(drawing)
    _owner(drawing)
    drawing.line("M24 398h34", "open", arrow=False)
    drawing.text(68, 402, "a picture: in the doorbell's memory, and with the owner", colour=SOFT, anchor="start")
    drawing.line("M452 398h34", "sealed", arrow=False)
    drawing.text(496, 402, "sealed: one age file a second, under a signed record", colour=SOFT, anchor="start")
    return drawing.svg()


def _doorbell(drawing: Drawing) -> None:
    drawing.box(24, 24, 524, 298)
    drawing.text(44, 52, "Doorbell", size=17, bold=True, anchor="start")
    drawing.box(40, 68, 206, 238, CARD)
    drawing.text(143, 92, "watch", size=14, bold=True)
    drawing.text(143, 110, "has no network code", colour=SOFT, size=12)
    drawing.box(64, 126, 158, 38, OPEN_TINT, OPEN)
    drawing.text(143, 150, "camera, button")
    drawing.box(64, 184, 158, 44, OPEN_TINT, OPEN)
    drawing.text(143, 203, "record")
    drawing.text(143, 219, "a fragment a second", size=11, colour=SOFT)
    drawing.box(64, 248, 158, 44, SEALED_TINT, SEALED)
    drawing.padlock(76, 260)
    drawing.text(150, 267, "seal and sign")
    drawing.text(150, 283, "to the owner's keys", size=11, colour=SOFT)
    drawing.line("M143 164v18", "open")
    drawing.line("M143 228v18", "open")
    drawing.folder(284, 238, 84, 62)
    drawing.text(326, 271, "outbox")
    drawing.text(326, 288, "on disk", size=11, colour=SOFT)
    drawing.line("M222 269h60", "sealed")
    drawing.box(400, 68, 132, 238, CARD)
    drawing.text(466, 92, "uplink", size=14, bold=True)
    drawing.text(466, 110, "has no picture code", colour=SOFT, size=12)
    drawing.line("M368 265h98v-76h120", "sealed")
    drawing.text(568, 180, "MQTT", size=11, colour=SOFT)
    drawing.line("M586 281H370", "soft", dashed=True)
    drawing.text(466, 298, "signed receipt", size=11, colour=SOFT)


def _relay(drawing: Drawing) -> None:
    drawing.box(588, 24, 154, 298)
    drawing.text(665, 52, "Relay", size=17, bold=True)
    drawing.text(665, 74, "keeps and forwards;", "holds no key", "that opens", colour=SOFT, size=12)
    for x, y in ((640, 158), (658, 158), (676, 158), (640, 182), (658, 182), (676, 182)):
        drawing.padlock(x, y)
    drawing.text(665, 222, "sealed files", size=12)
    drawing.line("M665 322v22", "soft")
    drawing.text(896, 362, "a warrant served here gets sealed files, sizes, times: no picture", bold=True, anchor="end")


def _owner(drawing: Drawing) -> None:
    drawing.box(782, 24, 114, 298)
    drawing.text(839, 52, "Owner", size=17, bold=True)
    drawing.text(839, 74, "checks, opens;", "24 words give", "all keys back", colour=SOFT, size=12)
    drawing.line("M742 189h54", "sealed")
    drawing.box(798, 167, 82, 44, SEALED_TINT, SEALED)
    drawing.text(839, 194, "open")
    drawing.line("M839 211v25", "open")
    drawing.box(798, 238, 82, 44, OPEN_TINT, OPEN)
    drawing.text(839, 265, "clip.mp4")


def part() -> str:
    """Draw what one message is made of."""
    title = "A part: one message, one stored object, one second of video"
    drawing = Drawing(
        920,
        236,
        title,
        "A part is a signed record in plain text and an age file. The record names the doorbell, the clip, the place, "
        "the hash of the record before and the hashes of the age file's header and body. The header holds one stanza "
        "for each reader, the body holds the sealed fragment.",
    )
    drawing.text(24, 38, title, size=15, bold=True, anchor="start")
    record = "plain text, at most 1 KiB:", "doorbell, clip, seq, kind, times,", "prev, head, body, size"
    signature = "the doorbell's, over", "the record: SSHSIG,", "Ed25519, 64 bytes"
    head = "the file key, wrapped once for", "each reader; always four stanzas", "(or eight): nobody counts readers"
    body = "the fragment, padded; it says inside", "which doorbell, clip and place", "it was sealed for"
    for x, width, name, lines, fill, stroke in (
        (24, 214, "record", record, WHITE, RULE),
        (246, 156, "signature", signature, WHITE, RULE),
        (410, 226, "age header", head, SEALED_TINT, SEALED),
        (644, 252, "age body", body, SEALED_TINT, SEALED),
    ):
        drawing.box(x, 58, width, 96, fill, stroke)
        drawing.text(x + width // 2, 82, name, size=14, bold=True)
        drawing.text(x + width // 2, 102, *lines, size=12, colour=SOFT)
    drawing.line("M98 154v34h425v-32", "soft")
    drawing.line("M98 188h672v-32", "soft")
    drawing.text(112, 181, "head, body: SHA-256 of each", size=12, colour=SOFT, anchor="start")
    drawing.line("M58 154v54h-28", "soft")
    why = "prev: SHA-256 of the record before, so that nothing is cut out or swapped"
    drawing.text(66, 212, why, size=12, colour=SOFT, anchor="start")
    return drawing.svg()


def flash() -> str:
    """Draw how a card becomes a doorbell: what is made where, and what goes from one place to the next."""
    drawing = Drawing(
        920,
        272,
        "From a bare Pi to a ringing doorbell",
        "The owner's bundle, the package and the Wi-Fi's key are copied from a computer onto the card. At the first "
        "start the doorbell installs the package, draws its keys, pins the owner and scrubs the card's boot partition. "
        "Its public card then goes to the relay and to the owner.",
    )
    drawing.box(24, 24, 252, 224)
    drawing.text(44, 52, "1-3  Computer", size=17, bold=True, anchor="start")
    for y, title, note in (
        (68, "owner's bundle", "public keys, the relay's address"),
        (126, "package", "make deb"),
        (184, "cloud-init's files", "make image-config"),
    ):
        drawing.box(44, y, 212, 48, CARD)
        drawing.text(150, y + 21, title, bold=True)
        drawing.text(150, y + 38, note, size=11, colour=SOFT)
    drawing.line("M276 136h78", "soft")
    drawing.text(314, 126, "card", size=12, colour=SOFT)
    drawing.box(356, 24, 292, 224)
    drawing.text(376, 52, "4-5  Pi: wires, first start", size=17, bold=True, anchor="start")
    for y, step, why in (
        (84, "installs the package", "two users, two processes, no compiler"),
        (124, "draws its own keys", "nobody else ever has them"),
        (164, "pins the owner", "from now on it seals to these keys only"),
        (204, "scrubs the boot partition", "it tells nothing more of the Wi-Fi"),
    ):
        drawing.text(376, y, step, bold=True, anchor="start")
        drawing.text(376, y + 17, why, size=11, colour=SOFT, anchor="start")
    drawing.line("M648 90h66", "soft")
    drawing.line("M648 196h66", "soft")
    drawing.text(681, 134, "its public", "card.json", size=12, colour=SOFT)
    drawing.box(716, 24, 180, 98)
    drawing.text(806, 66, "Relay", size=17, bold=True)
    drawing.text(806, 90, "lets it in", size=12, colour=SOFT)
    drawing.box(716, 150, 180, 98)
    drawing.text(806, 186, "6  Owner", size=17, bold=True)
    drawing.text(806, 210, "trusts its signature,", "sees it ring", size=12, colour=SOFT)
    return drawing.svg()


def main(folder: Path) -> None:
    """Write every picture into `folder`."""
    for name, picture in (("way-of-a-clip.svg", way_of_a_clip()), ("part.svg", part()), ("flash.svg", flash())):
        (folder / name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
