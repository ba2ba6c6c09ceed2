"""Writes formulas of MathML as a line of text: x^2, (a+b)/c."""

from __future__ import annotations

from rag.readers.html_element import Element

__all__ = ["rewrite"]

_BETWEEN = {
    "msup": ("^",),
    "msub": ("_",),
    "msubsup": ("_", "^"),
    "mover": ("^",),
    "munder": ("_",),
    "munderover": ("_", "^"),
    "mfrac": ("/",),
}
"""What stands between the parts of an element that sets them above each other."""
_LEAVES = frozenset({"mi", "mn", "mo", "ms", "mtext"})


def rewrite(element: Element) -> None:
    """Change a complete element so that its text reads as a formula, if it is a formula's."""
    tag = element.tag
    if tag in ("msqrt", "mroot"):
        element.children[:] = ["√(", *_kept(element), ")"]
    elif tag in ("mtr", "mlabeledtr"):
        element.children.append("; ")
    elif tag == "mtd":
        element.children.append(" ")
    elif tag in _BETWEEN:
        parts = list(element.elements())
        children: list[Element | str] = []
        for part, mark in zip(parts, ("", *_BETWEEN[tag]), strict=False):
            children += (mark, *_grouped(part))
        element.children[:] = children
    elif tag in ("mrow", "math", "mstyle", "semantics", "mpadded"):
        element.children[:] = _kept(element)


def _grouped(part: Element) -> list[Element | str]:
    if part.tag in _LEAVES or len(_kept(part)) < 2:
        return [part]
    return ["(", part, ")"]


def _kept(element: Element) -> list[Element | str]:
    """Return the children without white space, which has no meaning between a formula's parts."""
    return [child for child in element.children if not isinstance(child, str) or child.strip()]
