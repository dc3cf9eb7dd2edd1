"""Plain data to a one-column A4 document, with reportlab."""

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import (
    Flowable,
    HRFlowable,
    Image,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

INK = colors.HexColor("#1c2430")
MUTED = colors.HexColor("#5b6675")
RULE = colors.HexColor("#d5dbe3")
LOGO_HEIGHT, LOGO_WIDTH = 18 * mm, 85 * mm

BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=14, textColor=INK)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=8.5, leading=12, textColor=MUTED)
STRONG = ParagraphStyle("strong", parent=BODY, fontName="Helvetica-Bold")
TITLE = ParagraphStyle("title", parent=STRONG, fontSize=20, leading=25)
RIGHT = ParagraphStyle("right", parent=BODY, alignment=TA_RIGHT)
RIGHT_STRONG = ParagraphStyle("right_strong", parent=STRONG, alignment=TA_RIGHT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the document: text, a smaller line under it, and an amount already written out."""

    text: str
    detail: str = ""
    amount: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    title: str
    issuer: str
    facts: Sequence[tuple[str, str]]
    columns: tuple[str, str]
    lines: Sequence[Line]
    totals: Sequence[Line]
    notes: Sequence[str] = ()
    # PNG bytes, printed above the issuer; and the colour (#rrggbb) of the line under the title.
    logo: bytes = b""
    line_colour: str = ""
    language: str = "en"


def render(document: Document) -> bytes:
    """The document as PDF bytes."""
    buffer = io.BytesIO()
    pdf = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=18 * mm,
        bottomMargin=18 * mm,
        title=_latin(document.title),
        author=_latin(document.issuer),
        lang=document.language,
        pageCompression=0,  # a page of text: readable by every tool, and small anyway
    )
    pdf.build(_story(document))
    return buffer.getvalue()


def _story(document: Document) -> list[Flowable]:
    story: list[Flowable] = [
        *_logo(document.logo),
        _text(document.issuer, SMALL),
        _text(document.title, TITLE),
        *_line(document.line_colour),
        Spacer(1, 5 * mm),
        _facts(document.facts),
        Spacer(1, 7 * mm),
        _lines(document),
        Spacer(1, 8 * mm),
    ]
    story.extend(_text(note, SMALL) for note in document.notes)
    return story


def _logo(picture: bytes) -> list[Flowable]:
    """As wide as it is at the height of the box, at most half the page."""
    if not picture:
        return []
    width, height = ImageReader(io.BytesIO(picture)).getSize()
    scale = min(LOGO_HEIGHT / height, LOGO_WIDTH / width)
    drawn = Image(io.BytesIO(picture), width * scale, height * scale, hAlign="LEFT")
    return [drawn, Spacer(1, 4 * mm)]


def _line(colour: str) -> list[Flowable]:
    if not colour:
        return []
    line = HRFlowable(width="100%", thickness=2, color=colors.HexColor(colour), spaceBefore=3 * mm)
    return [line]


def _facts(facts: Sequence[tuple[str, str]]) -> Table:
    rows = [[_text(label, SMALL), _text(value, BODY)] for label, value in facts]
    table = Table(rows, colWidths=[40 * mm, 130 * mm], hAlign="LEFT")
    table.setStyle(
        TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("PADDING", (0, 0), (-1, -1), 2)])
    )
    return table


def _lines(document: Document) -> Table:
    head, amount_head = document.columns
    rows: list[list[Flowable | list[Flowable]]] = [[_text(head, SMALL), _text(amount_head, RIGHT)]]
    rows += [_row(line) for line in (*document.lines, *document.totals)]
    table = Table(rows, colWidths=[125 * mm, 45 * mm], hAlign="LEFT", repeatRows=1)
    first_total = 1 + len(document.lines)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, first_total - 1), 0.5, RULE),
                ("LINEABOVE", (0, first_total), (-1, first_total), 1, INK),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
            ]
        )
    )
    return table


def _row(line: Line) -> list[Flowable | list[Flowable]]:
    cell: list[Flowable] = [_text(line.text, STRONG if line.strong else BODY)]
    if line.detail:
        cell.append(_text(line.detail, SMALL))
    return [cell, _text(line.amount, RIGHT_STRONG if line.strong else RIGHT)]


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(_latin(text)), style)


def _latin(text: str) -> str:
    """The built-in fonts hold Western European letters: others lose their accents rather than
    becoming black boxes."""
    plain = text.replace("\u202f", " ").replace("\u2212", "-")
    return "".join(_letter(letter) for letter in plain)


def _letter(letter: str) -> str:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
        return plain or "?"
    return letter
