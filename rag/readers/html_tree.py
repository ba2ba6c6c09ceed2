"""Parses HTML into a small tree of what a browser shows.

Owns which elements are visible: scripts, hidden elements, form fields and struck-out text are not
in the tree. Does not judge what is navigation (`rag.readers.html_main`) and writes no text
(`rag.readers.html_text`). Nothing here recurses, because pages nest as deep as they like.

The parser is lexbor (by selectolax): it builds the tree that browsers build, omitted end tags
included, in a twentieth of html5lib's time. lxml, and trafilatura with it, drops everything below a
depth of 256 without an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rag.readers.html_element import Element, measure
from rag.readers.html_math import rewrite
from rag.readers.html_style import hidden_by_style

__all__ = ["Page", "parse"]

MAX_DEPTH = 400
"""Deepest nesting that the tree has; elements below lose their tags and keep their text, as in
Chrome below 512. The time of an HTML parser grows with the square of the depth."""
_MAX_TAG_LENGTH = 20_000
_MAX_ATTRIBUTES = 1_000
"""A longer tag with more attributes loses them: the parser compares each with all others."""

_INVISIBLE = frozenset(
    {"head", "script", "style", "template", "noscript", "noembed", "noframes", "title", "meta"}
    | {"svg", "iframe", "canvas", "audio", "video", "map", "embed", "param", "source", "track"}
    | {"input", "datalist", "progress", "meter", "link", "base", "rp", "col", "colgroup"}
    | {"annotation", "annotation-xml", "frame", "frameset", "nav", "del", "s", "strike"}
)
_NONE: dict[str, str] = {}
_STRUCK = frozenset({"del", "s", "strike"})
_INVISIBLE_ROLES = frozenset({"navigation", "search", "menu", "menubar", "toolbar", "contentinfo"})
_SECTIONING = frozenset(
    {"article", "aside", "main", "section", "blockquote", "details", "dialog", "fieldset"}
    | {"figure", "td"}
)
"""A footer inside of these belongs to them, not to the page."""
_HIDDEN_STYLE = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all)\b"
)
_CONTROL = ("aria-expanded", "aria-controls", "data-target", "data-bs-target", "data-toggle")
"""Attributes of a button that shows and hides content: its label is that content's heading."""

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param"}
    | {"source", "track", "wbr", "frame", "keygen", "basefont", "bgsound"}
)
_MAX_FORMATTING = 20
_FORMATTING = frozenset(
    {"b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
"""A parser opens those without an end tag again in each paragraph that follows."""
_UNCOUNTED = _VOID | frozenset(
    {"html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th"}
    | {"tbody", "thead", "tfoot", "colgroup", "rt", "rp", "caption"}
)
"""Elements without an end tag, or with one that may be omitted: they do not nest by themselves."""
_TAG = re.compile(r"<!--|<(/?)([a-zA-Z][^\s/<>]*)([^<>]*)>")
_RAW = {
    name: re.compile(rf"</{name}\b", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noframes", "noembed")
}
_SELF_CLOSED = re.compile(r"<([a-zA-Z][\w:-]*)((?:\s[^<>]*)?)/>")


@dataclass(frozen=True, kw_only=True)
class Page:
    """A parsed page.

    Attributes:
        body: What is visible.
        title: The text of its ``<title>``; else the title that it gives to social networks.
        scripts: How many scripts it has.
        pictures: How many pictures it shows.
        frames: The pages that it shows in its frames, for a frameset.
        struck: Whether struck-out text is left out.
        styled_away: Whether text that its own style sheet hides is left out.
    """

    body: Element
    title: str
    scripts: int
    pictures: int
    frames: tuple[str, ...]
    struck: bool
    styled_away: bool


def parse(html: str, *, xhtml: bool = False) -> Page:
    """Parse a page or a fragment.

    Args:
        html: The source.
        xhtml: Whether the source is XML: elements may close themselves, and CDATA is text. An XML
            declaration or XHTML's document type says the same.
    """
    if xhtml or _says_xhtml(html[:1000]):
        html = _SELF_CLOSED.sub(_with_end_tag, _without_cdata(html))
    parser = LexborHTMLParser(_tamed(html))
    head = parser.head
    title = ""
    if head is not None:
        named = head.css_first("title")
        title = named.text() if named is not None else ""
        if not title.strip():
            social = head.css_first('meta[property="og:title"], meta[name="twitter:title"]')
            title = (social.attributes.get("content") or "") if social is not None else ""
    by_style = hidden_by_style(parser)
    body, struck = _visible_tree(parser, by_style)
    measure(body)
    return Page(
        body=body,
        title=" ".join(title.split()),
        scripts=len(parser.css("script")),
        pictures=len(parser.css("img, svg, canvas")),
        frames=tuple(frame.attributes.get("src") or "" for frame in parser.css("frame")),
        struck=struck,
        styled_away=bool(by_style),
    )


def _says_xhtml(start: str) -> bool:
    return start.lstrip("\ufeff \t\r\n").startswith("<?xml") or "//DTD XHTML" in start


def _without_cdata(html: str) -> str:
    """Return XML with the CDATA sections as escaped text."""
    first, *rest = html.split("<![CDATA[")
    parts = [first]
    for section in rest:
        text, end, after = section.partition("]]>")
        parts += (_escaped(text), after) if end else (section,)
    return "".join(parts)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _with_end_tag(match: re.Match[str]) -> str:
    name = match.group(1)
    return match.group(0) if name.lower() in _VOID else f"<{name}{match.group(2)}></{name}>"


def _tamed(html: str) -> str:
    """Return a page without the tags below `MAX_DEPTH` and without absurd lists of attributes."""
    drops: list[tuple[int, int, str]] = []
    depth = formatting = foreign = at = 0
    while (match := _TAG.search(html, at)) is not None:
        at = match.end()
        if match.group(2) is None:
            end = html.find("-->", at)
            if end < 0:
                break
            at = end
            continue
        name = match.group(2).lower()
        if len(match.group(0)) > _MAX_TAG_LENGTH and _has_many_attributes(match.group(3)):
            drops.append((*match.span(3), "/" if match.group(3).endswith("/") else ""))
        if not match.group(1) and (raw := _RAW.get(name)) is not None:
            closing = raw.search(html, at)
            if closing is None:
                break
            at = closing.start()
            continue
        if name in _UNCOUNTED or (foreign and match.group(3).endswith("/")):
            continue
        if name in ("svg", "math"):
            foreign = max(0, foreign + (-1 if match.group(1) else 1))
        if name in _FORMATTING:
            formatting = max(0, formatting + (-1 if match.group(1) else 1))
            if formatting > _MAX_FORMATTING:
                drops.append((*match.span(), ""))
        elif match.group(1):
            if depth > MAX_DEPTH:
                drops.append((*match.span(), " "))
            depth = max(0, depth - 1)
        else:
            depth += 1
            if depth > MAX_DEPTH:
                drops.append((*match.span(), " "))
    if not drops:
        return html
    parts: list[str] = []
    at = 0
    for start, end, instead in sorted(drops):
        if start >= at:
            parts += (html[at:start], instead)
            at = end
    parts.append(html[at:])
    return "".join(parts)


def _has_many_attributes(text: str) -> bool:
    return len(text.split(None, _MAX_ATTRIBUTES)) > _MAX_ATTRIBUTES or text.count('"') > 2000


def _visible_tree(parser: LexborHTMLParser, by_style: frozenset[int]) -> tuple[Element, bool]:
    """Return the visible part of the body, and whether struck-out text was left out."""
    top = Element("body", {})
    start = parser.body
    node = start.first_child if start is not None else None
    path: list[tuple[LexborNode | None, Element]] = [(start, top)]
    sections = 0
    struck = False
    while node is not None:
        below = None
        parent = path[-1][1]
        if node.is_text_node:
            parent.children.append(node.text_content or "")
        elif node.is_element_node:
            given = node.attributes
            # Elements without attributes share one dictionary, which saves memory.
            attributes = {name: value or "" for name, value in given.items()} if given else _NONE
            element = Element(str(node.tag), attributes)
            struck = struck or element.tag in _STRUCK
            if node.mem_id not in by_style and _is_visible(element, parent, sections):
                parent.children.append(element)
                below = node.first_child
                if below is not None:
                    path.append((node, element))
                    sections += element.tag in _SECTIONING
        if below is not None:
            node = below
            continue
        following = node.next
        while following is None and len(path) > 1:
            above, element = path.pop()
            rewrite(element)
            sections -= element.tag in _SECTIONING
            following = above.next if above is not None else None
        node = following
    return top, struck


def _is_visible(element: Element, parent: Element, sections: int) -> bool:
    tag, attributes = element.tag, element.attributes
    if tag in _INVISIBLE:
        return False
    if tag == "footer" and not sections:
        return False
    if tag == "dialog" and "open" not in attributes:
        return False
    if tag == "option" and "selected" not in attributes:
        return False
    if tag == "button" and not (
        parent.tag in ("h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary")
        or any(name in attributes for name in _CONTROL)
    ):
        return False
    if not attributes:
        return True
    if attributes.get("role", "").strip().lower() in _INVISIBLE_ROLES:
        return False
    # Content that is hidden "until found" is there for a search to find.
    if "hidden" in attributes and attributes["hidden"].strip().lower() != "until-found":
        return False
    style = attributes.get("style")
    return not style or _HIDDEN_STYLE.search(style.lower()) is None
