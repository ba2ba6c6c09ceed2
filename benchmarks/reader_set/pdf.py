"""Makes the PDFs of the set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.reader_set.expected import Expected, rows_of

__all__ = ["pdf_files"]

_LEFT = """\
The lower mill was built in the year of the
great flood, when the old dam had broken
and the village had no flour for a winter.
Its wheel turns in a channel of stone. The
channel is as wide as a cart, and it leads
from the weir to the pond behind the barn.
Every spring the warden takes the boards
out of the weir and counts them. What is
rotten is replaced by oak. The work ends
with the great sluice, whose iron gate was
"""


_RIGHT = """\
made in a forge of the next valley. A crew
of six men lifts it with a chain, and two
more hold the rope. In dry years the water
is shared: the mill has it until noon, and
the meadows have it after. A bell is rung
when the water changes sides, so that all
the farmers hear it. The rule is older than
the church, and it was written down by a
clerk who could not swim. He was paid in
flour, as everybody was in those days.
"""


def _pdf(pages: Sequence[str]) -> bytes:
    """Return a PDF from the content stream of each page.

    Font F1 is Helvetica, F2 its bold face; the codes 1 and 2 of F1 are the ligatures fi and fl.
    """
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding "
        "/BaseEncoding /WinAnsiEncoding /Differences [1 /fi /fl] >> >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for number, content in enumerate(pages):
        objects += (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << "
            f"/F1 3 0 R /F2 4 0 R >> >> /Contents {6 + 2 * number} 0 R >>",
            f"<< /Length {len(content.encode('latin-1'))} >>\nstream\n{content}\nendstream",
        )
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    start = len(out)
    out += (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ).encode("latin-1")
    return bytes(out)


def _line(x: float, y: float, text: str, size: int = 11, font: str = "F1") -> str:
    shown = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /{font} {size} Tf {x} {y} Td ({shown}) Tj ET\n"


def _lines(x: float, y: float, texts: Iterable[str], leading: float = 14) -> str:
    return "".join(_line(x, y - leading * n, text) for n, text in enumerate(texts))


def pdf_files() -> Iterable[Expected]:
    """Return the PDFs."""

    def page(number: int, content: str) -> str:
        running = _line(72, 800, "Lower Mill Trust - Weir handbook", 8)
        return running + content + _line(280, 40, f"Page {number} of 3", 8)

    yield Expected(
        name="handbook.pdf",
        data=_pdf(
            [
                page(
                    1,
                    _line(72, 750, "Weir handbook", 22, "F2")
                    + _lines(72, 710, ["The gate is opened at a level of", "214 centimetres."])
                    + _line(72, 660, "Wardens", 16, "F2")
                    + _lines(72, 632, ["Two wardens work", "together."])
                    + _lines(72, 90, ["The yearly inspection is carried out by"]),
                ),
                page(2, _lines(72, 750, ["a warden of class C from the upper reach."])),
                page(3, _lines(72, 750, ["The key is in cupboard 7."])),
            ]
        ),
        facts=(
            *("opened at a level of 214 centimetres.", "Two wardens work together."),
            "inspection is carried out by a warden of class C from the upper reach.",
            *("The key is in cupboard 7.", "Lower Mill Trust"),
        ),
        junk=("Page 2 of 3",),
        headings=("Weir handbook", "Wardens"),
    )
    yield Expected(
        name="columns.pdf",
        data=_pdf(
            [
                "".join(
                    _line(60, 750 - 14 * n, a) + _line(330, 750 - 14 * n, b)
                    for n, (a, b) in enumerate(
                        zip(_LEFT.splitlines(), _RIGHT.splitlines(), strict=True)
                    )
                )
            ]
        ),
        facts=(
            "with the great sluice, whose iron gate was made in a forge of the next valley.",
            "Its wheel turns in a channel of stone. The channel is as wide as a cart",
            "In dry years the water is shared: the mill has it until noon",
        ),
    )
    yield Expected(
        name="typeset.pdf",
        data=_pdf(
            [
                _lines(
                    72,
                    750,
                    [
                        "The \\001lter of the classi\\001er has an over\\002ow, and its accumu-",
                        "lator is emptied at 61 degrees by a well-",
                        "known rule.",
                    ],
                ).replace("\\\\0", "\\0")
            ]
        ),
        facts=(
            "The filter of the classifier has an overflow",
            "its accumulator is emptied at 61 degrees",
        ),
    )
    rows = [
        ("Pump", "Rated head", "Tested head"),
        ("AW-01", "67 m", "65 m"),
        ("AW-02", "80 m", "79 m"),
    ]
    drawing = _line(72, 750, "One line for each pump.")
    for number, row in enumerate(rows):
        y = 700 - 24 * number
        for column, cell in enumerate(row):
            drawing += f"{72 + 130 * column} {y - 8} 130 24 re S\n"
            drawing += _line(80 + 130 * column, y, cell, 11, "F1" if number else "F2")
    yield Expected(
        name="table.pdf",
        data=_pdf([drawing + _line(72, 600, "Heads are given at 20 degrees.")]),
        facts=("One line for each pump.", "Heads are given at 20 degrees."),
        rows=rows_of(*rows),
    )
