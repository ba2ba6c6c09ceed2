"""Shows a number as Excel does: dates, percentages, currencies, by the cell's format code.

Covers what people use (ECMA-376 part 1, 18.8.31). A number with any other code is shown as it is.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

__all__ = ["BUILT_IN_FORMATS", "shown_number"]

BUILT_IN_FORMATS = {
    **{1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00"},
    **{14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM"},
    **{19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm"},
    **{27: "yyyy-mm-dd", 30: "yyyy-mm-dd", 31: "yyyy年m月d日", 32: "h时mm分", 33: "h时mm分ss秒"},
    **{36: "yyyy-mm-dd", 50: "yyyy-mm-dd", 57: "yyyy年m月", 58: "m月d日"},
    **{37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)"},
    **{40: "#,##0.00;(#,##0.00)", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss", 48: "0.0E+0"},
}
"""Format codes by id (18.8.30). The dates that depend on the reader's country are ISO dates."""
_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\]-]*)[^\]]*\]|\[(h+|m+|s+)\]|\[[^\]]*\]'
    r"|(AM/PM|A/P|上午/下午|yyyy|yy|e|mmmmm|mmmm|mmm|mm|m|dddd|ddd|dd|d|hh|h|ss(?:\.0+)?|s)|(.)",
    re.IGNORECASE | re.DOTALL,
)
_DATE_LETTERS = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.', re.IGNORECASE)
_DIGITS = re.compile(r"[0#?][0#?,]*(?:\.[0#?]*)?")
_MONTHS = "January February March April May June July August September October November December"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_MAX_SERIAL = 2_958_466
"""The day after 9999-12-31."""


def shown_number(text: str, code: str, *, from_1904: bool = False) -> str:
    """Return a stored number as its cell shows it.

    Args:
        text: The stored value, such as ``45000.5``.
        code: The format code, "" for a general number.
        from_1904: Whether days count from 1904, as in old files of the Mac.
    """
    try:
        value = float(text)
    except ValueError:
        return text
    sections = _sections(code)
    section = sections[0]
    if value < 0 and len(sections) > 1:
        section = sections[1]
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    plain = _DATE_LETTERS.sub("", section)
    if re.search(r"[ymdhs]", plain, re.IGNORECASE) and "general" not in plain.lower():
        shown = _date(value, section, from_1904=from_1904)
        return _general(value) if shown is None else shown
    if not _DIGITS.search(plain) or "/" in plain or not abs(value) < 1e300:
        return _general(value)
    return _figure(abs(value) if section is not sections[0] else value, section)


def _sections(code: str) -> list[str]:
    """Return the sections for positive numbers, negative ones and zero."""
    parts = re.findall(r'(?:"[^"]*"|\\.|[^;"\\])+|(?<=;)(?=;)', code)
    return parts or [""]


def _general(value: float) -> str:
    if value == int(value) if abs(value) < 1e15 else False:
        return str(int(value))
    return f"{value:.15g}"


def _figure(value: float, section: str) -> str:
    """Return a number with its decimals, separators, sign and the texts around it."""
    before: list[str] = []
    after: list[str] = []
    pattern = ""
    for match in _TOKEN.finditer(section):
        quoted, escaped, currency, _, letters, other = match.groups()
        literal = quoted or escaped or currency or ""
        character = other or letters or ""
        if character and character in "0#?,.E+-" and (character not in "+-" or "E" in pattern):
            if not after or "E" in pattern:
                pattern += character
        elif character == "%":
            value *= 100
            after.append("%")
        else:
            (after if pattern else before).append(literal or character)
    number = _digits(abs(value), pattern)
    sign = "-" if value < 0 and number.strip("0.,") else ""
    return f"{sign}{''.join(before)}{number}{''.join(after)}".strip()


def _digits(value: float, pattern: str) -> str:
    mantissa, exponent, _ = pattern.partition("E")
    whole, _, fraction = mantissa.partition(".")
    places = min(sum(character in "0?" for character in fraction), 30)
    optional = min(fraction.count("#"), 30)
    if exponent:
        return f"{value:.{places + optional}E}"
    scale = len(mantissa) - len(mantissa.rstrip(","))
    value /= 1000**scale
    grouped = "," in whole.rstrip(",")
    number = f"{value:{',' if grouped else ''}.{places + optional}f}"
    for _ in range(optional):
        if number.endswith("0"):
            number = number[:-1]
    number = number.rstrip(".")
    zeros = whole.count("0")
    head, point, tail = number.partition(".")
    return f"{head if grouped else head.zfill(min(zeros, 30))}{point}{tail}"


def _date(value: float, section: str, *, from_1904: bool) -> str | None:
    """Return a date or time; None if the number is not one."""
    if not 0 <= value < _MAX_SERIAL:
        return None
    if from_1904:
        start = datetime(1904, 1, 1)
    else:  # Excel counts a 29 February 1900
        start = datetime(1899, 12, 31) if value < 60 else datetime(1899, 12, 30)
    seconds = round(value * 86_400, 3 if ".0" in section else 0)
    try:
        moment = start + timedelta(seconds=seconds)
    except OverflowError:
        return None
    tokens = [match.groups() for match in _TOKEN.finditer(section)]
    half_day = any(
        (letters or "").upper() in ("AM/PM", "A/P", "上午/下午") for *_, letters, _ in tokens
    )
    out = []
    for number, (quoted, escaped, currency, elapsed, letters, other) in enumerate(tokens):
        if elapsed:
            unit = {"h": 3600, "m": 60, "s": 1}[elapsed[0].lower()]
            out.append(str(int(seconds // unit)))
        elif letters:
            minutes = letters.lower() in ("m", "mm") and _is_minutes(tokens, number)
            out.append(_date_part(moment, letters.lower(), minutes=minutes, half_day=half_day))
        else:
            out.append(quoted or escaped or currency or other or "")
    return "".join(out).strip()


def _is_minutes(tokens: list[tuple[str, ...]], number: int) -> bool:
    """Return whether an ``m`` stands after hours or before seconds."""
    units = [(at, (t[3] or t[4] or "").lower()) for at, t in enumerate(tokens) if t[3] or t[4]]
    position = next(index for index, (at, _) in enumerate(units) if at == number)
    before = units[position - 1][1] if position else ""
    after = units[position + 1][1] if position + 1 < len(units) else ""
    return before.startswith("h") or after.startswith("s")


def _date_part(moment: datetime, letters: str, *, minutes: bool, half_day: bool) -> str:
    hour = (moment.hour % 12 or 12) if half_day else moment.hour
    month, day = _MONTHS.split()[moment.month - 1], _DAYS.split()[moment.weekday()]
    fraction = letters[3:] if letters.startswith("ss.") else ""
    parts = {
        **{
            "yyyy": f"{moment.year:04d}",
            "e": f"{moment.year:04d}",
            "yy": f"{moment.year % 100:02d}",
        },
        **{"mmmmm": month[0], "mmmm": month, "mmm": month[:3]},
        "mm": f"{moment.minute if minutes else moment.month:02d}",
        "m": str(moment.minute if minutes else moment.month),
        **{"dddd": day, "ddd": day[:3], "dd": f"{moment.day:02d}", "d": str(moment.day)},
        **{"hh": f"{hour:02d}", "h": str(hour)},
        **{"ss": f"{moment.second:02d}", "s": str(moment.second)},
        "am/pm": "AM" if moment.hour < 12 else "PM",
        "a/p": "A" if moment.hour < 12 else "P",
        "上午/下午": "上午" if moment.hour < 12 else "下午",
    }
    if fraction:
        return f"{moment.second:02d}.{moment.microsecond:06d}"[: 3 + len(fraction)]
    return parts[letters]
