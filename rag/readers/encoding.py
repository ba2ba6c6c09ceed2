"""Decodes the bytes of every format that is text.

Owns which encoding a file is in. The first of these decides:

    1. a byte order mark (UTF-8, UTF-16, UTF-32);
    2. the encoding that is set for this very document;
    3. valid UTF-8 with characters beyond ASCII, which text in another encoding is not by chance;
    4. the encoding that is set for the document's folder;
    5. the encoding that the file names itself (HTML, a part of an email);
    6. detection: UTF-16 and UTF-32 without a mark by their zero bytes, the others by chardet.

A detected encoding counts only if the text looks right in it (`plausible`) and no other reading is
as likely. Otherwise the document is skipped, because a wrong guess would index nonsense.
docs/explanation/documents.md has the figures.
"""

from __future__ import annotations

import codecs
import re
import warnings
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from rag.errors import ReadError
from rag.readers.options import ReadOptions, is_text_encoding
from rag.readers.plausible import oddness

__all__ = ["Decoded", "decode"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark is the beginning of this one.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SUPERSETS = {
    # What programs write under these names: https://encoding.spec.whatwg.org/#names-and-labels
    # (read 2026-11).
    "ascii": ("cp1252",),
    "iso8859-1": ("cp1252",),
    "iso8859-9": ("cp1254",),
    "gb2312": ("gb18030",),
    "gbk": ("gb18030",),
    "shift_jis": ("cp932", "shift_jis_2004"),
    "euc_kr": ("cp949",),
    "big5": ("cp950", "big5hkscs"),
    "tis-620": ("cp874",),
}
_USUAL_NAMES = {"cp932": "shift_jis", "cp949": "euc-kr", "cp950": "big5"}
_CANDIDATES = [
    *("gb18030", "big5", "big5hkscs", "hz"),
    *("cp932", "shift_jis_2004", "euc-jp", "euc_jis_2004", "iso-2022-jp", "cp949", "johab"),
    *(f"windows-{number}" for number in range(1250, 1259)),
    *(f"iso-8859-{number}" for number in (1, 2, 5, 7, 9, 15)),
    *("koi8-r", "koi8-u", "cp866", "cp850", "cp852", "tis-620"),
]
"""Encodings that are detected: those of Windows, the web and DOS. More of them, such as those of
old Macintoshes, bring more wrong guesses; they can be set by folder."""
_DOS = frozenset({"cp850", "cp852", "cp866", "ibm866"})
_TYPOGRAPHY = frozenset("“”‘’–—…€•™®©°")
_SURE_UNICODE_CHARACTERS = 4
"""So many characters beyond ASCII that are valid UTF-8 are not GB18030 or Big5 by chance."""
_ESCAPES = (b"\x1b$", b"\x1b(", b"~{")
"""Beginnings of characters in encodings of 7 bits: ISO-2022-JP and HZ."""
_SAMPLE_BYTES, _FEW_BYTES = 100_000, 200
_LEAST_EVIDENCE = 0.02
"""Smallest confidence of chardet that counts; a right result for a line of German has 0.1."""
_LEAST_LETTERS = 8
_MANY_LETTERS, _VERY_MANY_LETTERS = 100, 1000
"""From 100 letters on, the letters tell a text of DOS; from 1,000 on, a text is long."""
_LEAST_CONFIDENCE = 0.51
"""Of `best / (best + next)` for the two likeliest readings; at 0.5, both are as likely."""
_MOST_ODD, _MOST_ODD_IF_LONG = 0.05, 0.1
"""Largest `oddness` that is accepted. A long text has formulas and foreign names."""
_MOST_CONTROLS = 0.01
"""A file with a larger share of control characters is not a text."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_RULER = re.compile(rb"([!-/:-@\[-`{-~])\1{3,}")
"""A line of dashes or the like, which says nothing of the language."""
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A file's text.

    Attributes:
        text: The text without a byte order mark.
        encoding: The encoding, as Python names it.
        missing: For `Document.missing`: how much is not valid in the encoding.
        remarks: For `Document.remarks`: the encoding, if the file does not say it.
    """

    text: str
    encoding: str
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def decode(key: str, data: bytes, options: ReadOptions, *, declared: str | None = None) -> Decoded:
    """Decode text, dropping a byte order mark.

    Args:
        key: The document's key.
        data: The file, or a part of it.
        options: Has the encodings that are set by folder.
        declared: The encoding that the file itself names, if its format can do that.

    Raises:
        ReadError: The data is binary, or its encoding is not known.
    """
    decoded = _decoded(key, data, options, declared)
    if len(_CONTROL.findall(decoded.text)) > _MOST_CONTROLS * len(decoded.text):
        raise ReadError(key, "the file is binary data, not text")
    return decoded


def _decoded(key: str, data: bytes, options: ReadOptions, declared: str | None) -> Decoded:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _sure(key, data[len(mark) :], encoding)
    given = options.encoding_of(key)
    if given is not None and options.is_set_for(key):
        return _sure(key, data, given)
    unicode = _read(data, "utf-8")
    seven_bits = data.isascii()
    if given is not None:
        if unicode is None or _beyond_ascii(unicode.text) < _SURE_UNICODE_CHARACTERS:
            return _sure(key, data, given)
        if unicode.encoding == codecs.lookup(given).name:
            return unicode
        remark = f"the file is UTF-8, although customrag:documentEncodings says {given}"
        return replace(unicode, remarks=(remark,))
    if unicode is not None and not seven_bits:
        return unicode
    plain = seven_bits and b"\0" not in data and not any(mark in data for mark in _ESCAPES)
    if unicode is not None and plain:
        return unicode
    named = _declared(data, declared)
    if named is not None and oddness(named.text, None) <= _MOST_ODD:
        return named
    try:
        return _with_zero_bytes(data) or _detected(key, data)
    except ReadError:
        # The file's own word, or plain ASCII with escapes of another meaning.
        if (own := named or (unicode if seven_bits else None)) is not None:
            return own
        raise


def _sure(key: str, data: bytes, encoding: str) -> Decoded:
    decoded = _read(data, encoding, sure=True)
    if decoded is None:
        raise ReadError(
            key,
            f"the text is not valid {_shown(encoding)}, which its byte order mark or "
            f"customrag:documentEncodings says; {_advice(key, None)}",
        )
    return decoded


def _read(data: bytes, encoding: str, *, sure: bool = False) -> Decoded | None:
    """Decode `data`, or return None if it is not text in this encoding.

    Errors are replaced, and counted in `missing`, if there are at least ten right characters beyond
    ASCII for each. In an encoding that is `sure`, one error more is accepted.
    """
    name = codecs.lookup(encoding).name
    names = _SUPERSETS.get(name, (name,))
    for tried in names:
        try:
            # UTF-8 of some programs has surrogates; `rag.clean` joins them.
            errors = "surrogatepass" if tried == "utf-8" else "strict"
            return Decoded(text=data.decode(tried, errors), encoding=tried)
        except UnicodeError:
            continue
    text = data.decode(names[0], "replace")
    own = data.count(_REPLACEMENT.encode()) if names[0] == "utf-8" else 0
    errors_found = text.count(_REPLACEMENT) - own
    right = _beyond_ascii(text) - errors_found
    if 10 * errors_found > right + 10 * sure:
        return None
    sentence = f"{errors_found:,} places are not valid {_shown(names[0])}; U+FFFD stands for them"
    return Decoded(text=text, encoding=names[0], missing=(sentence,))


def _declared(data: bytes, declared: str | None) -> Decoded | None:
    """Decode by the name in the file; None if there is no such encoding or it is not the file's."""
    name = (declared or "").strip().strip("\"'")
    # A name that could be read as ASCII is not in UTF-16.
    if not name or not is_text_encoding(name) or name.lower().startswith(("utf-16", "utf-32")):
        return None
    return _read(data, name, sure=True)


def _with_zero_bytes(data: bytes) -> Decoded | None:
    """Decode UTF-16 or UTF-32 without a mark; None if it is neither."""
    if b"\0" not in data:
        return None
    found: list[Decoded] = []
    for encoding in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        try:
            text = data.decode(encoding)
        except UnicodeError:
            continue
        if not _CONTROL.search(text) and oddness(text, None) <= _MOST_ODD:
            found.append(Decoded(text=text, encoding=encoding, remarks=(_remark(encoding),)))
    # In the wrong byte order, ASCII becomes characters such as U+4100.
    return min(found, key=lambda one: sum(not ord(c) % 256 for c in one.text), default=None)


def _detected(key: str, data: bytes) -> Decoded:
    readings = _readings(_sample(data))
    best = readings[0] if readings else None
    letters = sum(character.isalpha() for character in best.text) if best else 0
    if best is None or best.score < _LEAST_EVIDENCE or letters < _LEAST_LETTERS:
        raise _unknown(key, data, None)
    near = [one for one in readings if _confidence(best, one) < _LEAST_CONFIDENCE]
    most_odd = _MOST_ODD if letters < _VERY_MANY_LETTERS else _MOST_ODD_IF_LONG
    likely = [one for one in near if oddness(one.text, one.language) <= most_odd]
    # “quoted” as Windows writes it could be ôquotedö of DOS, which is far less frequent.
    likely = [one for one in likely if _only_typography(one.text)] or likely
    if letters >= _MANY_LETTERS:
        likely = [one for one in likely if one.encoding.lower() not in _DOS] or likely
    if len(likely) != 1 or (decoded := _read(data, likely[0].encoding)) is None:
        raise _unknown(key, data, best.encoding)
    others = [one for one in readings if one not in near]
    confidence = _confidence(likely[0], others[0]) if others else 1.0
    return replace(decoded, remarks=(_remark(decoded.encoding, confidence),))


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """A text that the bytes can be, with chardet's score, the encoding and the language."""

    score: float
    encoding: str
    language: str | None
    text: str


def _readings(sample: bytes) -> list[_Reading]:
    """Return the different texts that the bytes can be, the likeliest first."""
    import chardet

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of fallbacks that are left out
        found = chardet.detect_all(sample, ignore_threshold=True, include_encodings=_CANDIDATES)
    readings: dict[str, _Reading] = {}
    for one in found:
        encoding = one["encoding"]
        if encoding is None:
            continue
        try:
            # A sample may end inside a character.
            text = codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeError:
            continue
        reading = _Reading(
            score=one["confidence"], encoding=encoding, language=one["language"], text=text
        )
        readings.setdefault(text, reading)
    return list(readings.values())


def _sample(data: bytes) -> bytes:
    """Return the lines that tell encodings apart; the file's beginning if they are few."""
    lines: list[bytes] = []
    size = 0
    for line in data.splitlines(keepends=True):
        if not line.isascii() or any(mark in line for mark in _ESCAPES):
            lines.append(line)
            size += len(line)
            if size >= _SAMPLE_BYTES:
                break
    telling = b"".join(lines)[: 2 * _SAMPLE_BYTES]
    if size < _FEW_BYTES and not data[:_SAMPLE_BYTES].isascii():
        telling = data[:_SAMPLE_BYTES]
    return _RULER.sub(rb"\1", telling) or data[:_SAMPLE_BYTES]


def _confidence(best: _Reading, other: _Reading) -> float:
    return best.score / ((best.score + other.score) or 1.0)


def _beyond_ascii(text: str) -> int:
    return sum(character > "\x7f" for character in text)


def _only_typography(text: str) -> bool:
    return all(character in _TYPOGRAPHY for character in text if character > "\x7f")


def _remark(encoding: str, confidence: float | None = None) -> str:
    share = "" if confidence is None else f" (confidence {confidence:.2f})"
    return f"the encoding was detected: {_shown(encoding)}{share}"


def _unknown(key: str, data: bytes, guess: str | None) -> ReadError:
    if b"\0" in data:
        return ReadError(key, "the file is binary data, not text")
    try:
        place = f"byte 0x{data[0]:02x} at 0"
        data.decode()
    except UnicodeDecodeError as error:
        place = f"byte 0x{data[error.start]:02x} at {error.start:,}"
    likeness = f"; {_shown(guess)} is possible, but not certain" if guess else ""
    return ReadError(key, f"the text is not UTF-8 ({place}){likeness}; {_advice(key, guess)}")


def _advice(key: str, guess: str | None) -> str:
    folder = PurePosixPath(key).parent.as_posix()
    name = _shown(guess or "gb18030")
    return (
        "save it as UTF-8, or set the encoding of its folder in customrag:documentEncodings, for "
        f'example ["{folder}={name}"]'
    )


def _shown(encoding: str) -> str:
    """Return an encoding's name as people write it: windows-1252 for cp1252."""
    name = codecs.lookup(encoding).name
    if name in _USUAL_NAMES:
        return _USUAL_NAMES[name]
    return f"windows-{name[2:]}" if name.startswith("cp125") else name
