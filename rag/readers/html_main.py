"""Finds the main content of a page: takes navigation out, and picks the parts that hold the text.

Owns what counts as navigation. Follows trafilatura's method (names of classes, density of links,
``main`` and ``article``), but keeps text when in doubt: a rule that would remove much of a page
does not apply. Works on the visible tree of `rag.readers.html_tree`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rag.readers.html_element import Element, descendants, measure, visible_text

__all__ = ["main_content"]

_NAVIGATION_NAME = re.compile(
    r"(?:[\w-]*[-_])?(?:nav|navbar|navigation|menu|breadcrumbs?|pagination|pager)"
    r"(?:[-_]?(?:bar|list|links|wrapper|container|block|panel))?"
    r"|related|sphinxsidebar(?:wrapper)?"
)
"""Class or id of a menu. Such an element is navigation only if most of its text is links."""
_FURNITURE_NAME = re.compile(
    r"(?:cookie|consent|gdpr)s?[-_]?(?:banner|consent|notice|bar|popup|modal|message|alert|overlay)"
    r"|(?:site|page|main|global)[-_]?footer|footer"
    r"|skip[-_]?(?:link|nav|navigation|to[-_]?(?:content|main))s?|skip"
    r"|share[-_]?(?:buttons?|bar|links)|social[-_]?(?:links|media|share|icons)|mw-editsection"
    r"|onetrust-(?:banner|consent)-sdk|material-icons|katex-html"
)
"""Class or id of a part that is about the page, not about its subject."""
_PERMALINKS = frozenset({"#", "¶", "§", "🔗"})
_SKIP_LINK = re.compile(r"(?:skip|jump) (?:to|over|past)\b|跳(?:到|至|转到|转至|过)", re.IGNORECASE)

_LARGE_SHARE = 0.4
"""A part with that share of the page's text is never furniture, whatever its name says."""
_MENU_LINK_SHARE = 0.9
_MENU_LINKS = 3
_MENU_LINK_LENGTH = 30
"""Longest mean length of the links of a menu; the titles of documents are longer."""
_LEAST_REST = 200
"""If fewer characters are left without the menus, the page is an index, and its links are text."""
_MAIN_SHARE = 0.3
_ARTICLE_SHARE = 0.6
"""Share of the page's text that makes a ``main``, or the articles, the page's content."""
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_LISTS = frozenset({"ul", "ol", "menu", "li"})
_INTRODUCING = _HEADINGS | {"p", "dl", "table", "pre", "blockquote"}


def main_content(body: Element) -> list[Element]:
    """Return the parts of a page that hold its content, in order; `body` loses its navigation."""
    total = body.length
    _prune(body, lambda element, *_: _is_furniture(element, total))
    measure(body)
    rest = body.length
    in_main = {id(part) for part in _outermost(body, _is_main)}
    menus = sum(menu.length for menu in _outermost(body, lambda e: _is_menu(e, body, None)))
    if rest - menus >= min(_LEAST_REST, rest / 4):
        _prune(body, _is_menu, kept=in_main)
        measure(body)
    for chosen, share in ((_is_main, _MAIN_SHARE), (_is_article, _ARTICLE_SHARE)):
        parts = list(_outermost(body, chosen))
        if parts and sum(part.length for part in parts) >= share * body.length:
            return [*_title_outside(body, parts), *parts]
    return [body]


def _title_outside(body: Element, parts: list[Element]) -> list[Element]:
    """Return the page's only first heading if it is outside of the parts."""
    if any(True for part in parts for _ in _outermost(part, _is_first_heading)):
        return []
    headings = list(_outermost(body, _is_first_heading))
    return headings if len(headings) == 1 else []


def _is_main(element: Element) -> bool:
    return element.tag == "main" or element.attributes.get("role") == "main"


def _is_article(element: Element) -> bool:
    return element.tag == "article" or element.attributes.get("itemprop") == "articleBody"


def _is_first_heading(element: Element) -> bool:
    return element.tag == "h1"


def _outermost(root: Element, chosen: Callable[[Element], bool]) -> Iterator[Element]:
    """Yield the elements below `root` that are chosen and not inside of another one."""
    stack = list(root.elements())[::-1]
    while stack:
        element = stack.pop()
        if chosen(element):
            yield element
        else:
            stack += list(element.elements())[::-1]


def _prune(
    root: Element,
    dropped: Callable[[Element, Element, Element | None], bool],
    *,
    kept: set[int] | None = None,
) -> None:
    """Remove the elements that `dropped(element, its parent, element before it)` chooses.

    Nothing is removed inside of the elements whose ids are in `kept`.
    """
    stack = [root]
    while stack:
        item = stack.pop()
        before: Element | None = None
        children: list[Element | str] = []
        for child in item.children:
            if isinstance(child, str):
                children.append(child)
            elif kept and id(child) in kept:
                children.append(child)
                before = child
            elif not dropped(child, item, before):
                children.append(child)
                before = child
                stack.append(child)
        item.children[:] = children


def _names(element: Element) -> list[str]:
    attributes = element.attributes
    if "class" not in attributes and "id" not in attributes:
        return []
    return f"{attributes.get('class', '')} {attributes.get('id', '')}".lower().split()


def _is_furniture(element: Element, total: int) -> bool:
    """Return whether an element's name or text says that it is not content."""
    if element.tag == "a" and _is_page_link(element):
        return True
    names = _names(element)
    if not names or element.tag in _HEADINGS or element.length > _LARGE_SHARE * total:
        return False
    if any(map(_FURNITURE_NAME.fullmatch, names)):
        return not _holds_content(element)
    return (
        element.link_length >= element.length / 2
        and any(map(_NAVIGATION_NAME.fullmatch, names))
        and not _holds_content(element)
    )


def _holds_content(element: Element) -> bool:
    return any(item.tag in ("h1", "main", "article") for item in descendants(element))


def _is_page_link(element: Element) -> bool:
    """Return whether a link only moves within the page: a permalink, or one that skips the menu."""
    if not element.attributes.get("href", "").startswith("#") or element.length > 60:
        return False
    text = " ".join(visible_text(element).split())
    return text in _PERMALINKS or _SKIP_LINK.match(text) is not None


def _is_menu(element: Element, parent: Element, before: Element | None) -> bool:
    """Return whether an element is a list of short links that nothing introduces."""
    if element.tag not in ("ul", "ol", "menu", "div", "section", "header", "aside"):
        return False
    if parent.tag in _LISTS or (before is not None and before.tag in _INTRODUCING):
        return False
    return (
        element.links >= _MENU_LINKS
        and element.link_length >= _MENU_LINK_SHARE * element.length
        and element.link_length <= _MENU_LINK_LENGTH * element.links
        and not any(
            item.tag in _HEADINGS or item.tag in ("table", "pre") for item in descendants(element)
        )
    )
