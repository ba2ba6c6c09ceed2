"""The tree of what a page shows, and walks through it that do not recurse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Element", "events", "measure", "visible_text"]


@dataclass(slots=True, eq=False)
class Element:
    """An element with what is visible of its content.

    Attributes:
        tag: Its name in lower case.
        attributes: Its attributes.
        children: Elements and texts, in order.
        length: Characters of its text that are not white space.
        link_length: How many of them are in links.
        links: How many links it has.
    """

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)
    length: int = 0
    link_length: int = 0
    links: int = 0

    def elements(self) -> Iterator[Element]:
        """Yield the children that are elements."""
        return (child for child in self.children if isinstance(child, Element))


def events(root: Element) -> Iterator[tuple[bool, Element | str]]:
    """Yield (True, element) where an element begins, (False, element) where it ends, and texts.

    The root itself is left out. A caller that clears `Element.children` skips what is inside.
    """
    stack: list[tuple[Element, Iterator[Element | str]]] = [(root, iter(root.children))]
    while stack:
        parent, rest = stack[-1]
        child = next(rest, None)
        if child is None:
            stack.pop()
            if stack:
                yield False, parent
        elif isinstance(child, str):
            yield True, child
        else:
            yield True, child
            stack.append((child, iter(child.children)))


def visible_text(root: Element) -> str:
    """Return the text below an element as it is in the source."""
    return "".join(item for _, item in events(root) if isinstance(item, str))


def measure(root: Element) -> None:
    """Set the lengths of an element and of all below it."""
    path = [root]
    root.length = root.link_length = root.links = 0
    for begins, item in events(root):
        if isinstance(item, str):
            path[-1].length += len(item) - sum(map(item.count, " \n\t\r\f"))
        elif begins:
            item.length = item.link_length = item.links = 0
            path.append(item)
        else:
            path.pop()
            if item.tag == "a":
                item.link_length, item.links = item.length, 1
            above = path[-1]
            above.length += item.length
            above.link_length += item.link_length
            above.links += item.links
