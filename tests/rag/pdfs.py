"""Makes PDFs for tests with reportlab, and reads them: lines at given places, tables, pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from reportlab.lib import pdfencrypt
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageTemplate,
    SimpleDocTemplate,
)

from rag.documents import Document
from rag.readers import ReadOptions, read_bytes

__all__ = [
    "CHINESE",
    "LEFT",
    "RIGHT",
    "Page",
    "article",
    "both",
    "draw",
    "lines",
    "page_objects",
    "page_of",
    "picture",
    "raw_pdf",
    "read",
    "show",
    "story",
    "stream",
    "text_of",
]

Page = Callable[[Canvas], None]
LEFT = (
    "The pump of the northern station",
    "was built in 2021 and is tested",
    "every month by two technicians.",
    "It stands in the lower cellar and",
    "is cooled by water from the river",
    "that runs past the station wall.",
)
RIGHT = (
    "The valve of the southern station",
    "was replaced after the flood and",
    "has a new seal made of rubber.",
    "A record of each test is kept in",
    "the office of the head engineer",
    "for a period of seven years.",
)
CHINESE = "STSong-Light"
pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))


def draw(
    *pages: Page,
    title: str = "",
    size: tuple[float, float] = (595, 842),
    password: str | None = None,
    encrypted: bool = False,
) -> bytes:
    """Return a PDF whose pages are drawn by functions."""
    buffer = io.BytesIO()
    lock = pdfencrypt.StandardEncryption(password or "", "owner") if encrypted else None
    canvas = Canvas(buffer, pagesize=size, invariant=1, encrypt=lock)
    if title:
        canvas.setTitle(title)
    for page in pages:
        page(canvas)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def lines(
    *texts: str,
    x: float = 72,
    y: float = 740,
    pitch: float = 14,
    font: str = "Helvetica",
    size: float = 11,
) -> Page:
    """Return a page (or a part of it) with lines of text below each other."""

    def page(canvas: Canvas) -> None:
        canvas.setFont(font, size)
        for number, text in enumerate(texts):
            if text:
                canvas.drawString(x, y - pitch * number, text)

    return page


def both(*parts: Page) -> Page:
    """Return a page with several parts."""

    def page(canvas: Canvas) -> None:
        for part in parts:
            part(canvas)

    return page


def picture(*texts: str, x: float = 60, y: float = 560, width: float = 470) -> Page:
    """Return a page with an image of some lines of text, as a scanner makes it."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("1", (1000, 60 * len(texts) + 40), 1)
    pen = ImageDraw.Draw(image)
    for number, text in enumerate(texts):
        pen.text((20, 20 + 60 * number), text, font=ImageFont.load_default(36), fill=0)

    def page(canvas: Canvas) -> None:
        height = width * image.height / image.width
        canvas.drawImage(ImageReader(image), x, y, width=width, height=height)

    return page


def raw_pdf(objects: Sequence[bytes], *, first_last: bool = False) -> bytes:
    """Return a PDF of given objects; the first one is the catalogue, the second the pages.

    Args:
        objects: In the order of their numbers, from 1 on.
        first_last: Whether these two come last in the file.
    """
    out, offsets = bytearray(b"%PDF-1.5\n"), dict[int, int]()
    numbered = list(enumerate(objects, start=1))
    for number, body in [*numbered[2:], *numbered[:2]] if first_last else numbered:
        offsets[number] = len(out)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offsets[number] for number, _ in numbered)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


def stream(data: bytes) -> bytes:
    """Return a stream object."""
    return b"<< /Length %d >>\nstream\n" % len(data) + data + b"\nendstream"


def show(text: str, *, y: int = 700) -> bytes:
    """Return the content of a page with one line of text."""
    return b"BT /F1 5 Tf 40 %d Td (" % y + text.encode("latin-1") + b") Tj ET"


def page_objects(contents: Sequence[bytes], *, catalogue: bytes = b"") -> list[bytes]:
    """Return the objects of a document: catalogue, pages, one page and stream for each content."""
    first = 4
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R " + catalogue + b" >>",
        b"<< /Type /Pages /Kids [" + kids + b"] /Count %d >>" % len(contents),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (first + 2 * number + 1)
        )
        objects.append(stream(content))
    return objects


def page_of(content: bytes, font: bytes, *further: bytes, kind: bytes = b"/Type1") -> bytes:
    """Return a PDF with one page.

    Args:
        content: Its content stream.
        font: What follows ``/BaseFont`` in its font, object 5.
        further: Objects from number 6 on.
        kind: The font's subtype.
    """
    return raw_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
            b"/Resources << /Font << /F1 5 0 R >> >> >>",
            stream(content),
            b"<< /Type /Font /Subtype " + kind + b" /BaseFont " + font + b" >>",
            *further,
        ]
    )


def story(parts: Sequence[Flowable]) -> bytes:
    """Return a PDF that reportlab breaks into pages itself."""
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, invariant=1).build(list(parts))
    return buffer.getvalue()


def article(parts: Sequence[Flowable], *, count: int, gutter: float) -> bytes:
    """Return a PDF in columns, with running heads and page numbers.

    Args:
        parts: The text.
        count: Number of columns.
        gutter: Space between them, in points.
    """

    def decorate(canvas: Canvas, template: BaseDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(57, 808, "Annals of pumping" if template.page % 2 else "A. Mayer")
        canvas.drawRightString(538, 808, str(template.page))

    buffer = io.BytesIO()
    template = BaseDocTemplate(buffer, invariant=1)
    width = (481 - gutter * (count - 1)) / count
    frames = [
        Frame(57 + number * (width + gutter), 57, width, 720, leftPadding=0, rightPadding=0)
        for number in range(count)
    ]
    template.addPageTemplates([PageTemplate(frames=frames, onPage=decorate)])
    template.build(list(parts))
    return buffer.getvalue()


def read(data: bytes, options: ReadOptions | None = None) -> Document:
    return read_bytes("docs/a-file.pdf", data, options=options or ReadOptions())


def text_of(*pages: Page) -> str:
    return read(draw(*pages)).text
