"""What Word, PowerPoint and Excel files share: names, alternatives, formulas, charts, SmartArt.

Owns the reading of elements that are the same in all three (ECMA-376). Does not open archives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = [
    "MATH",
    "MC",
    "A",
    "P",
    "R",
    "W",
    "alternative",
    "alternative_text",
    "chart_rows",
    "core_title",
    "diagram_lines",
    "elements",
    "is_on",
    "math_text",
    "private_symbols",
]

_FORMATS = "http://schemas.openxmlformats.org/"
W = f"{{{_FORMATS}wordprocessingml/2006/main}}"
P = f"{{{_FORMATS}presentationml/2006/main}}"
A = f"{{{_FORMATS}drawingml/2006/main}}"
R = f"{{{_FORMATS}officeDocument/2006/relationships}}"
MATH = f"{{{_FORMATS}officeDocument/2006/math}}"
MC = f"{{{_FORMATS}markup-compatibility/2006}}"
_CHART = f"{{{_FORMATS}drawingml/2006/chart}}"
_DIAGRAM = f"{{{_FORMATS}drawingml/2006/diagram}}"
_MAX_CHART_POINTS = 1000
"""Points of a chart that are read per series (assumed: longer ones are curves, not figures)."""


def elements(node: Any) -> Iterator[Any]:
    """Yield the child elements, without references to entities."""
    return (child for child in node.iterchildren() if isinstance(child.tag, str))


def is_on(element: Any) -> bool:
    """Return whether a switch such as ``<w:vanish/>`` is on; False for None."""
    if element is None:
        return False
    value = element.get(f"{W}val", element.get("val", "true"))
    return value not in ("0", "false", "off", "none")


def alternative(element: Any) -> Any:
    """Return the one branch of ``mc:AlternateContent`` to read; None if it is empty.

    Both branches show the same content, the second one for older programs.
    """
    branches = [child for child in elements(element) if child.tag == f"{MC}Choice"]
    branches += [child for child in elements(element) if child.tag == f"{MC}Fallback"]
    return next((branch for branch in branches if len(branch)), None)


def alternative_text(properties: Any) -> str:
    """Return what the author wrote about a picture, without the note of an automatic one."""
    text = properties.get("descr") or properties.get("title") or ""
    lines = [line.strip() for line in text.splitlines()]
    automatic = ("description automatically generated", "ai-generated content may be incorrect.")
    kept = [line for line in lines if line and line.lower() not in automatic]
    return " ".join(kept)


def math_text(node: Any) -> str:
    """Return a formula on one line: ``(a+b)/2``, ``x^2``, ``x_i``, ``√(y)``."""
    name = node.tag[len(MATH) :] if node.tag.startswith(MATH) else ""
    if name == "t":
        return node.text or ""
    if name == "f":
        return f"{_group(node, 'num')}/{_group(node, 'den')}"
    if name in ("sSup", "sSub", "sSubSup"):
        low = f"_{_group(node, 'sub')}" if name != "sSup" else ""
        high = f"^{_group(node, 'sup')}" if name != "sSub" else ""
        return f"{_group(node, 'e')}{low}{high}"
    if name == "rad":
        degree = _part(node, "deg")
        return f"{degree if degree else ''}√({_part(node, 'e')})"
    if name == "nary":
        sign = node.find(f"{MATH}naryPr/{MATH}chr")
        low, high = _part(node, "sub"), _part(node, "sup")
        bounds = (f"_({low})" if low else "") + (f"^({high})" if high else "")
        return f"{'∫' if sign is None else sign.get(f'{MATH}val', '')}{bounds} {_part(node, 'e')}"
    if name == "d":
        return f"({', '.join(math_text(e) for e in node.iterchildren(f'{MATH}e'))})"
    if name == "m":
        rows = [
            ", ".join(math_text(cell) for cell in row.iterchildren(f"{MATH}e"))
            for row in node.iterchildren(f"{MATH}mr")
        ]
        return f"[{'; '.join(rows)}]"
    skipped = (f"{W}del", f"{W}moveFrom")
    return "".join(math_text(child) for child in elements(node) if child.tag not in skipped)


def _part(node: Any, name: str) -> str:
    child = node.find(f"{MATH}{name}")
    return "" if child is None else math_text(child)


def _group(node: Any, name: str) -> str:
    text = _part(node, name)
    return text if text.replace(".", "").isalnum() else f"({text})"


def diagram_lines(root: Any) -> list[str]:
    """Return the texts of a SmartArt graphic's data part, one line for each of its points."""
    lines = []
    for point in root.iter(f"{_DIAGRAM}pt"):
        text = point.find(f"{_DIAGRAM}t")
        words = "" if text is None else "".join(t.text or "" for t in text.iter(f"{A}t"))
        if words.strip():
            lines.append(" ".join(words.split()))
    return lines


def chart_rows(root: Any) -> tuple[str, list[list[str]]]:
    """Return a chart's title, and its cached values: a header row, then one row per category."""
    title = root.find(f".//{_CHART}chart/{_CHART}title")
    name = "" if title is None else "".join(text.text or "" for text in title.iter(f"{A}t"))
    categories: list[str] = []
    columns: list[tuple[str, list[str]]] = []
    for series in root.iter(f"{_CHART}ser"):
        label = " ".join(_points(series.find(f"{_CHART}tx")))
        values = series.find(f"{_CHART}val")
        across = series.find(f"{_CHART}cat")
        if values is None:
            values, across = series.find(f"{_CHART}yVal"), series.find(f"{_CHART}xVal")
        categories = categories or _points(across)
        columns.append((label, _points(values)))
    length = max((len(values) for _, values in columns), default=0)
    if not length:
        return " ".join(name.split()), []
    categories = categories or [str(number) for number in range(1, length + 1)]
    rows = [["", *(label for label, _ in columns)]]
    for number in range(length):
        row = [categories[number] if number < len(categories) else ""]
        row += [values[number] if number < len(values) else "" for _, values in columns]
        rows.append(row)
    return " ".join(name.split()), rows


def _points(node: Any) -> list[str]:
    """Return the cached texts or numbers; points that were left out are empty."""
    found: list[str] = []
    for point in [] if node is None else node.iter(f"{_CHART}pt"):
        number = point.get("idx", "")
        at = int(number) if number.isdecimal() and len(number) < 9 else len(found)
        if at >= _MAX_CHART_POINTS:
            break
        found += [""] * (at + 1 - len(found))
        value = point.find(f"{_CHART}v")
        found[at] = "" if value is None else _short_number(value.text or "")
    return found


def _short_number(text: str) -> str:
    """Return 0.30000000000000004 as 0.3; anything else as it is."""
    try:
        return f"{float(text):.12g}" if len(text) > 15 else text
    except ValueError:
        return text


def core_title(root: Any) -> str:
    """Return the title of ``docProps/core.xml``."""
    title = None if root is None else root.find("{http://purl.org/dc/elements/1.1/}title")
    return "" if title is None else " ".join((title.text or "").split())


def private_symbols(text: str, font: str) -> tuple[str, int]:
    """Return the text with the characters of symbol fonts as Unicode.

    Such fonts use U+F020 to U+F0FF for their own signs.

    Returns:
        The text, and how many signs are not known and therefore left out.
    """
    table = _SYMBOL if font.lower().startswith("symbol") else _WINGDINGS
    if font.lower() == "wingdings 2":
        table = _WINGDINGS_2
    out, unknown = [], 0
    for character in text:
        code = ord(character) - 0xF000
        if not 0x20 <= code <= 0xFF:
            out.append(character)
        elif code in table:
            out.append(table[code])
        elif table is _SYMBOL and code < 0x7F:
            out.append(chr(code))
        else:
            unknown += 1
    return "".join(out), unknown


_SYMBOL = dict(
    zip(
        [*range(0x41, 0x5B), *range(0x61, 0x7B)],
        "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖαβχδεφγηιϕκλμνοπθρστυϖωξψζ",
        strict=True,
    )
) | {
    **dict(zip(range(0xA1, 0xB0), "ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓", strict=True)),
    **dict(zip(range(0xB0, 0xBD), "°±″≥×∝∂•÷≠≡≈…", strict=True)),
    **dict(zip(range(0xC4, 0xD8), "⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅", strict=True)),
    **dict(zip(range(0xD8, 0xDF), "¬∧∨⇔⇐⇑⇒", strict=True)),
    **{0x22: "∀", 0x24: "∃", 0x27: "∋", 0x2A: "∗", 0x2D: "−", 0xDF: "⇓", 0xE5: "∑", 0xF2: "∫"},
}
"""The Symbol font, after Unicode's mapping VENDORS/ADOBE/symbol.txt (the signs in use)."""
_WINGDINGS = {
    **{0xFC: "✓", 0xFB: "✗", 0xFE: "☑", 0xFD: "☒", 0xA8: "☐", 0x6F: "☐", 0x6E: "■", 0x71: "☐"},
    **{0x6C: "●", 0xA7: "▪", 0x9F: "•", 0x76: "❖", 0xD8: "➢", 0x75: "◆", 0xA4: "◉", 0xA1: "○"},
    **{0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "→", 0xE7: "←", 0xF0: "⇨", 0xF3: "⇔"},
    **{0x28: "☎", 0x29: "✆", 0x2A: "✉", 0x4A: "☺", 0x4C: "☹", 0x46: "☞", 0xAB: "★"},
}
_WINGDINGS_2 = {0x50: "✓", 0x4F: "✗", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0xA3: "☐"}
