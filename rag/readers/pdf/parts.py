"""What a page of a PDF consists of, as plain data: pieces of text, lines, paragraphs, tables.

Coordinates are in points, in the direction in which a person reads: x grows to the right, y
upwards, whatever the rotation of the page or of the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = [
    "Field",
    "Frame",
    "Line",
    "Outline",
    "PageContent",
    "Paragraph",
    "Rule",
    "Run",
    "TableRows",
    "letters_of",
]


class Rule(NamedTuple):
    """A straight line, horizontal or vertical: ``left <= right``, ``bottom <= top``."""

    left: float
    bottom: float
    right: float
    top: float


@dataclass(slots=True)
class Run:
    """Words next to each other on one line.

    Attributes:
        words: Text, left and right of each word, in the order of the text.
        bottom: Lower edge of the line, below the descenders.
        top: Upper edge of the line.
        size: Height of the font, in points.
        bold: Whether all of it is bold.
        table: The table that stands here; such a run has no words.
        form: Whether it is the value of a form field.
        left: Left edge; also of a table.
        right: Right edge.
    """

    words: list[tuple[str, float, float]]
    bottom: float
    top: float
    size: float
    bold: bool = False
    table: TableRows | None = None
    form: bool = False
    left: float = 0.0
    right: float = 0.0

    def __post_init__(self) -> None:
        if self.words:
            self.left = min(word[1] for word in self.words)
            self.right = max(word[2] for word in self.words)

    @property
    def text(self) -> str:
        """The words, with the spaces between them."""
        return "".join(word[0] for word in self.words).strip()


@dataclass(slots=True)
class TableRows:
    """A table: its rows of cells from top to bottom, and where its columns are.

    Attributes:
        rows: The cells; a merged cell has its text once, in its first place.
        header_rows: How many of the first rows name the columns.
        edges: Left edge of each column.
        page: Index of the page it starts on.
        page_rows: Number of the row with which each further page begins, and its index.
    """

    rows: list[list[str]]
    header_rows: int
    edges: tuple[float, ...]
    page: int = 0
    page_rows: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Field:
    """A form field, or a comment, at its place on the page.

    Attributes:
        name: The label for people if the form has one, else the field's name.
        value: What is filled in; ``[x]`` or ``[ ]`` for a box.
        box: Where it is.
        checkbox: Whether it is a box or a radio button, whose label is to its right.
    """

    name: str
    value: str
    box: Rule
    checkbox: bool = False


@dataclass(slots=True)
class Frame:
    """The text of one page that runs in one direction.

    Attributes:
        runs: In the order of the file.
        rules: Ruled lines; only of the direction that most of the text has.
        width: Of the page, in points.
        height: Of the page, in points.
    """

    runs: list[Run]
    rules: list[Rule]
    width: float
    height: float


@dataclass(slots=True)
class PageContent:
    """The content of one page.

    Attributes:
        frames: By direction of the text; the direction with most text comes first.
        oblique: Text at any other angle, for example a watermark.
        fields: Form fields, in the coordinates of the first frame.
        comments: Texts of comments.
        picture_share: Share of the page that its largest picture covers, 0 to 1.
        lost_texts: Number of pieces of text that PDFium does not give out.
        blank: Whether nothing at all is drawn on the page.
        unreadable_share: Share of the characters whose letter the file does not tell, 0 to 1.
        error: Why the page cannot be read; "" if it was read.
    """

    frames: list[Frame] = field(default_factory=list)
    oblique: list[str] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    picture_share: float = 0.0
    lost_texts: int = 0
    blank: bool = False
    unreadable_share: float = 0.0
    error: str = ""


@dataclass(slots=True)
class Line:
    """One line of a column.

    Attributes:
        text: The line, without a line break.
        left: Left edge of its first word.
        right: Right edge of its last word.
        bottom: Lower edge.
        size: Height of its font, in points.
        bold: Whether all of it is bold.
        cells: The parts of the line with wide gaps between them; more than one looks like a row
            of a table without ruled lines.
        starts: Left edge of each of `cells`.
        ends: Right edge of each of `cells`.
        table: The table that stands here.
        form: Whether it holds a form field.
    """

    text: str
    left: float
    right: float
    bottom: float
    size: float
    bold: bool = False
    cells: tuple[str, ...] = ()
    starts: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()
    table: TableRows | None = None
    form: bool = False


@dataclass(slots=True)
class Paragraph:
    """Lines that belong together.

    Attributes:
        lines: From top to bottom.
        size: Height of the font, in points.
        bold: Whether all of it is bold.
        page: Index of the page it starts on.
        page_lines: Number of the line with which each further page begins, and its index.
        open_end: Whether the text may go on in the next column or on the next page.
        full_end: Whether its last line is full, so that it may go on although a sentence ends.
        open_start: Whether it may be the rest of a paragraph from there.
        top: Upper edge on its first page.
        aside: Whether it stands beside the text: a comment, a watermark.
        rows: Whether each line is one row of a table without ruled lines, or of a form.
    """

    lines: list[str]
    size: float
    bold: bool
    page: int
    page_lines: list[tuple[int, int]] = field(default_factory=list)
    open_end: bool = False
    full_end: bool = False
    open_start: bool = False
    top: float = 0.0
    aside: bool = False
    rows: bool = False


class Outline(NamedTuple):
    """A bookmark: level from 1, title, index of its page, height on the page (None: its top)."""

    level: int
    title: str
    page: int
    top: float | None


def letters_of(text: str) -> str:
    """Return the letters and digits of a text in lower case, to compare two texts by."""
    return "".join(character for character in text.casefold() if character.isalnum())
