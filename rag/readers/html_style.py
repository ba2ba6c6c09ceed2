"""Finds what the style sheet inside of a page hides.

Owns the rules of ``<style>`` elements that hide something always. When in doubt, text counts as
shown, because tabs and folded parts are content: a rule does not count if it is inside of another
block (``@media``), if another rule or a script of the page names its class and may show it again,
if the page has scripts in other files and the class does not say that it hides, or if the rules
hide much of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

__all__ = ["hidden_by_style"]

_MAX_SELECTORS = 50
_LARGE_SHARE = 0.4
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_BLOCK = re.compile(r"@[^{};@]*\{|[{}]")
_HIDES = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b")
_SHOWS = re.compile(r"(?:^|;)\s*(?:display\s*:\s*(?!none)\w|visibility\s*:\s*visible)")
_NAME = re.compile(r"[.#][\w-]+")
_SIMPLE = re.compile(r"(?:[a-z][\w-]*)?(?:[.#][\w-]+)+", re.IGNORECASE)
"""Classes and ids of one element, without what depends on a state or a place."""
_SAYS_HIDDEN = re.compile(r"hid(?:e|den)|invisible|none", re.IGNORECASE)


def hidden_by_style(parser: LexborHTMLParser) -> frozenset[int]:
    """Return the `mem_id` of each element that the page's own style sheet hides always."""
    sheets = [_COMMENT.sub("", _content(node)) for node in parser.css("style")]
    hiding: list[str] = []
    shown: set[str] = set()
    for sheet in sheets:
        for selectors, body in _rules(_top_level(sheet)):
            if _HIDES.search(body.lower()):
                hiding += (selector.strip() for selector in selectors.split(","))
        for selectors, body in _rules(sheet):
            if _SHOWS.search(body.lower()):
                shown.update(_NAME.findall(selectors))
    if not hiding:
        return frozenset()
    scripts = parser.css("script")
    script = " ".join(map(_content, scripts))
    foreign = any("src" in node.attributes for node in scripts)
    found: dict[int, int] = {}
    for selector in hiding[:_MAX_SELECTORS]:
        names = _NAME.findall(selector)
        if (
            _SIMPLE.fullmatch(selector) is not None
            and not shown.intersection(names)
            and not any(name[1:] in script for name in names)
            and (not foreign or _SAYS_HIDDEN.search(selector))
        ):
            try:
                found.update((node.mem_id, len(node.text())) for node in parser.css(selector))
            except SelectolaxError:  # not a selector after all
                continue
    page = len(parser.body.text()) if parser.body is not None else 0
    return frozenset(found if sum(found.values()) <= _LARGE_SHARE * page else ())


def _content(node: LexborNode) -> str:
    inside = node.first_child
    return (inside.text_content or "") if inside is not None else ""


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield the selectors and the declarations of each rule."""
    for rule in sheet.split("}"):
        before, brace, body = rule.rpartition("{")
        if brace:
            yield re.split(r"[{;]", before)[-1], body


def _top_level(sheet: str) -> str:
    """Return a style sheet without its ``@`` blocks."""
    kept: list[str] = []
    at = depth = 0
    for match in _BLOCK.finditer(sheet):
        brace = match.group()
        if depth == 0:
            if brace.startswith("@"):
                kept.append(sheet[at : match.start()])
                depth = 1
        elif brace == "}":
            depth -= 1
            if depth == 0:
                at = match.end()
        else:
            depth += 1
    if depth == 0:
        kept.append(sheet[at:])
    return "".join(kept)
