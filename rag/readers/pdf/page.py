"""Reads one page with PDFium: its words, with their places and fonts.

PDFium is not safe to call from two threads at once. Every function here needs `LOCK`, which the
caller holds; it also closes what it opens, because an object that the garbage collector closes
later would be closed without the lock.

API: https://pdfium.googlesource.com/pdfium/+/refs/heads/main/public/ (read 2026-11), by way of
pypdfium2.raw. Does not decide about lines and columns: `rag.readers.pdf.layout` does.
"""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Iterator, Sequence

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from rag.readers.pdf.drawings import look_at_drawings
from rag.readers.pdf.parts import Frame, PageContent, Rule, Run
from rag.readers.pdf.turn import Turn

__all__ = ["LOCK", "read_page"]

LOCK = threading.RLock()
"""Hold it around every call of PDFium."""

_WIDE_GAP = 1.0
"""A gap this wide, in font sizes, ends a run: it may be the space between two columns."""
_HYPHENS = (0x02, 0xFFFE)
"""What PDFium gives for a hyphen at a line's end, after which it leaves out the line break."""
_LETTERS_PER_CALL = 0x2E80
"""From here on scripts have no spaces, so that every character's place is asked for."""


def read_page(page: pdfium.PdfPage) -> tuple[PageContent, Turn]:
    """Read a page's text, ruled lines and pictures; the caller holds `LOCK`.

    Returns:
        The content, and the turn of its first frame.
    """
    box = Rule(*page.get_bbox())
    text_page = page.get_textpage()
    try:
        reader = _TextReader(text_page, box)
        reader.read()
    finally:
        text_page.close()
    upright = page.get_rotation() // 90 % 4
    turns = reader.turns_by_size() or [Turn(box, upright)]
    frames = [Frame(reader.runs.get(_key(t), []), [], t.width, t.height) for t in turns]
    found = look_at_drawings(page, turns[0])
    frames[0].rules.extend(found.rules)
    area = max((box.right - box.left) * (box.top - box.bottom), 1.0)
    content = PageContent(
        frames=frames,
        oblique=reader.oblique(),
        picture_share=min(found.largest_picture / area, 1.0),
        lost_texts=found.lost_texts,
        blank=found.count == 0 and raw.FPDFPage_GetAnnotCount(page) == 0,
        unreadable_share=reader.unreadable / max(reader.count, 1) if reader.count >= 20 else 0.0,
    )
    return content, turns[0]


def _key(turn: Turn) -> int:
    return -1 if turn.vertical else turn.quarter


class _TextReader:
    """Collects the runs of one page, by direction."""

    def __init__(self, text_page: pdfium.PdfTextPage, box: Rule) -> None:
        self._page = text_page.raw
        self._box = box
        self._rect = raw.FS_RECTF()
        self._rect_ref = ctypes.byref(self._rect)
        self._matrix = raw.FS_MATRIX()
        self._matrix_ref = ctypes.byref(self._matrix)
        self._origin = (ctypes.c_double(), ctypes.c_double())
        self._origin_refs = tuple(ctypes.byref(value) for value in self._origin)
        self.runs: dict[int, list[Run]] = {}
        self.turns: dict[int, Turn] = {}
        self._oblique: list[list[str]] = []
        self.count = 0
        self.unreadable = 0
        self._run: Run | None = None
        self._run_key = 0
        self._run_end = 0
        self._bottom = 0.0

    def turns_by_size(self) -> list[Turn]:
        """Return the directions of text, the one with most characters first."""
        sizes = {
            key: sum(len(word[0]) for run in runs for word in run.words)
            for key, runs in self.runs.items()
        }
        return [self.turns[key] for key in sorted(sizes, key=lambda key: -sizes[key])]

    def oblique(self) -> list[str]:
        """Return the lines of text at an angle."""
        return ["".join(words).strip() for words in self._oblique if "".join(words).strip()]

    def read(self) -> None:
        """Read all words of the page."""
        for text, first, last, spaced in self._words():
            self._place(text, first, last, spaced)
        self._close_run()

    def _words(self) -> Iterator[tuple[str, int, int, bool]]:
        """Yield each word: text, its first and last character's index, whether a space precedes.

        A character of a script without spaces is a word of its own.
        """
        letters: list[str] = []
        first, spaced, high, index = 0, True, 0, 0
        for index, code in enumerate(self._codes()):
            if 0xD800 <= code < 0xDC00:
                high = code
                continue
            if high:
                if 0xDC00 <= code < 0xE000:
                    code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
                else:
                    first = first if letters else index - 1
                    letters.append("\ufffd")
                high = 0
            if code in (0x09, 0x0A, 0x0D, 0x20, 0xA0, 0x3000):
                if letters:
                    yield "".join(letters), first, index - 1, spaced
                    letters = []
                spaced = True
                continue
            self.count += 1
            if code in _HYPHENS:
                yield "".join([*letters, "-"]), first if letters else index, index, spaced
                letters, spaced = [], False
                continue
            if code < 0x20:
                self.unreadable += 1
                continue
            if 0xDC00 <= code < 0xF000 or 0xFFFC <= code <= 0xFFFF or code > 0x10FFFF:
                self.unreadable += 1
                code = code if 0xE000 <= code < 0xF000 else 0xFFFD
            if code >= _LETTERS_PER_CALL:
                if letters:
                    yield "".join(letters), first, index - 1, spaced
                    letters, spaced = [], False
                yield chr(code), index, index, spaced
                spaced = False
                continue
            if not letters:
                first = index
            letters.append(chr(code))
        if letters:
            yield "".join(letters), first, index, spaced

    def _codes(self) -> Sequence[int]:
        """Return the UTF-16 code units of the page, one for each of PDFium's characters."""
        count = raw.FPDFText_CountChars(self._page)
        if count <= 0:
            return []
        buffer = (ctypes.c_ushort * (count + 1))()
        # One call for all is much faster; it leaves out characters that have no Unicode.
        if raw.FPDFText_GetText(self._page, 0, count, buffer) == count + 1:
            return list(buffer[:count])
        return [raw.FPDFText_GetUnicode(self._page, index) for index in range(count)]

    def _place(self, text: str, first: int, last: int, spaced: bool) -> None:
        """Add a word to the current run, or begin a run with it."""
        box = self._char_box(first)
        if last != first:
            end = self._char_box(last)
            box = Rule(
                min(box.left, end.left),
                min(box.bottom, end.bottom),
                max(box.right, end.right),
                max(box.top, end.top),
            )
        run = self._run
        bottom, self._bottom = self._bottom, box.bottom
        if run is not None and self._run_key == 0 and box.bottom == bottom:
            # By far the most words: upright, in the font and on the line of the word before.
            left, right = box.left - self._box.left, box.right - self._box.left
            before = run.words[-1]
            if left > before[1] and -0.5 < (left - before[2]) / run.size < _WIDE_GAP:
                run.words.append(((" " if spaced else "") + text, left, right))
                run.right = max(run.right, right)
                self._run_end = last
                return
        if run is not None and self._run_key >= -1:
            place = self._on_line(self.turns[self._run_key], box, first, run.size)
            if _continues(run, place):
                if len(run.words) == 1 and len(run.words[0][0]) <= 2:
                    # A bullet or an initial has another font than the line.
                    run.size = self._font(first)[0] or run.size
                    run.bottom, run.top = place.bottom, place.top
                run.words.append(((" " if spaced else "") + text, place.left, place.right))
                run.right = max(run.right, place.right)
                run.left = min(run.left, place.left)
                self._run_end = last
                return
            if self._turns_vertical(run, text, box, first):
                run.words.append((text, *self._vertical_span(box)))
                run.right = max(run.right, run.words[-1][2])
                self._run_end = last
                return
        self._close_run()
        self._begin_run(text, box, first, last)

    def _begin_run(self, text: str, box: Rule, first: int, last: int) -> None:
        size, angle = self._font(first)
        quarter = round(angle / 90)
        if abs(angle - 90 * quarter) > 8:
            if self._run_key == -2 and self._oblique:
                self._oblique[-1].append(" " + text)
            else:
                self._oblique.append([text])
            self._run, self._run_key = None, -2
            return
        key = quarter % 4
        turn = self.turns.setdefault(key, Turn(self._box, key))
        size = size or max(box.top - box.bottom, 1.0)
        place = self._on_line(turn, box, first, size)
        self._run = Run(
            words=[(text, place.left, place.right)],
            bottom=place.bottom,
            top=place.top,
            size=size,
            bold=self._bold(first),
        )
        self._run_key, self._run_end = key, last
        self.runs.setdefault(key, []).append(self._run)

    def _turns_vertical(self, run: Run, text: str, box: Rule, index: int) -> bool:
        """Whether a character stands right below a run of one character, or goes on a column."""
        if len(text) != 1 or ord(text) < _LETTERS_PER_CALL:
            return False
        if self._run_key == -1:
            turn = self.turns[-1]
            place = turn.rule(*box)
            return (
                abs((place.bottom + place.top) - (run.bottom + run.top)) < run.size
                and -0.6 * run.size < place.left - run.right < 0.6 * run.size
            )
        if self._run_key != 0 or len(run.words) != 1 or ord(run.words[0][0][0]) < 0x2E80:
            return False
        place = self._on_line(self.turns[0], box, index, run.size)
        below = run.top - place.top
        if abs(place.left - run.left) > 0.3 * run.size or not (
            0.6 * run.size < below < 1.35 * run.size
        ):
            return False
        self._make_vertical(run)
        return True

    def _make_vertical(self, run: Run) -> None:
        """Move a run of one character to the frame of vertical text."""
        self.runs[0].remove(run)
        turn = self.turns.setdefault(-1, Turn(self._box, 0, vertical=True))
        top, left = self._box.top, self._box.left
        upright = self.turns[0].box
        x0, x1 = run.left + upright.left, run.right + upright.left
        y1 = run.top + upright.bottom
        run.words = [(run.words[0][0], top - y1, top - y1 + run.size)]
        run.left, run.right = run.words[0][1], run.words[0][2]
        run.bottom, run.top = x0 - left, x1 - left
        self._run_key = -1
        self.runs.setdefault(-1, []).append(run)
        self.turns[-1] = turn

    def _vertical_span(self, box: Rule) -> tuple[float, float]:
        left = self._box.top - box.top
        return left, left + (self._run.size if self._run else 0.0)

    def _close_run(self) -> None:
        run = self._run
        if run is not None and run.bold and self._run_end:
            run.bold = self._bold(self._run_end)
        self._run = None

    def _on_line(self, turn: Turn, box: Rule, index: int, size: float) -> Rule:
        """Return where a word is for the reader: as wide as its box, and as high as its font.

        The height counts from the base line, because the boxes of some fonts are as high as
        several lines, and others have no height.
        """
        place = turn.rule(*box)
        if turn.vertical:
            return place
        raw.FPDFText_GetCharOrigin(self._page, index, *self._origin_refs)
        _, y = turn.point(self._origin[0].value, self._origin[1].value)
        return Rule(place.left, y - 0.22 * size, place.right, y + 0.78 * size)

    def _char_box(self, index: int) -> Rule:
        raw.FPDFText_GetLooseCharBox(self._page, index, self._rect_ref)
        rect = self._rect
        return Rule(rect.left, rect.bottom, rect.right, rect.top)

    def _font(self, index: int) -> tuple[float, float]:
        """Return size in points and angle in degrees, counter-clockwise."""
        size = raw.FPDFText_GetFontSize(self._page, index)
        if not raw.FPDFText_GetMatrix(self._page, index, self._matrix_ref):
            return size, 0.0
        m = self._matrix
        return size * math.hypot(m.c, m.d), math.degrees(math.atan2(m.b, m.a))

    def _bold(self, index: int) -> bool:
        if raw.FPDFText_GetFontWeight(self._page, index) >= 600:
            return True
        buffer = ctypes.create_string_buffer(128)
        raw.FPDFText_GetFontInfo(self._page, index, buffer, 128, None)
        return any(word in buffer.value.lower() for word in (b"bold", b"black", b"heavy"))


def _continues(run: Run, place: Rule) -> bool:
    """Whether a word at `place` is the next one of the run."""
    overlap = min(run.top, place.top) - max(run.bottom, place.bottom)
    if overlap < 0.4 * min(run.top - run.bottom, place.top - place.bottom):
        return False
    last = run.words[-1]
    if place.right < last[1]:  # text from right to left
        gap = last[1] - place.right
    else:
        gap = place.left - last[2]
        if place.left < last[1] - 0.5 * run.size:
            return False
    return gap < _WIDE_GAP * run.size
