"""The tree of what a page shows, and walks through it that do not recurse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Element", "descendants", "events", "measure", "visible_text"]


@dataclass(slots=True, eq=False)
class Element:
    """An element with what is visible of its content.

    Attributes:
        tag: Its name in lower case.
        attributes: Its attributes.
        children: Elements and texts, in order.
        length: Characters of its text, without white space at the ends of its pieces.
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


def descendants(root: Element) -> Iterator[Element]:
    """Yield the elements below `root`, each before what is inside of it.

    An element's children are taken after it was yielded, so a caller may change them.
    """
    stack = [child for child in reversed(root.children) if isinstance(child, Element)]
    while stack:
        element = stack.pop()
        yield element
        stack += (child for child in reversed(element.children) if isinstance(child, Element))


def visible_text(root: Element) -> str:
    """Return the text below an element as it is in the source."""
    return "".join(item for _, item in events(root) if isinstance(item, str))


def measure(root: Element) -> None:
    """Set the lengths of an element and of all below it."""
    # Backwards, children come before the element that they are in.
    for element in reversed([root, *descendants(root)]):
        length = link_length = links = 0
        for child in element.children:
            if isinstance(child, str):
                length += len(child.strip())
            else:
                length += child.length
                link_length += child.link_length
                links += child.links
        if element.tag == "a":
            link_length, links = length, 1
        element.length, element.link_length, element.links = length, link_length, links
