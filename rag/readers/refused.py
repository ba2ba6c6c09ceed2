"""Advice for formats that are not read: what to save a file as."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ADVICE", "unsupported"]

_SAVE_AS = {
    "save it as DOCX": (".doc", ".dot", ".rtf", ".wps", ".wpd", ".pages"),
    "save it as PPTX": (".ppt", ".pps", ".pot", ".key"),
    "save it as XLSX": (".xls", ".xlt", ".xlsb", ".numbers", ".et"),
    "save it as PDF": (".djvu", ".xps", ".oxps", ".ps", ".eps", ".vsd", ".vsdx", ".pub", ".one"),
    "save it as EML, or as PDF": (".msg",),
    "export its emails as EML files": (".pst", ".ost", ".mbox"),
    "convert it to EPUB": (".mobi", ".azw", ".azw3", ".fb2", ".prc"),
    "unpack it": (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"),
    "make a PDF of it, with OCR": (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"),
}

ADVICE: Mapping[str, str] = MappingProxyType(
    {suffix: advice for advice, suffixes in _SAVE_AS.items() for suffix in suffixes}
)
"""What to do with a file, by its suffix."""


def unsupported(suffix: str, known: str = "") -> str:
    """Return why a file with this suffix is not read, and what to do.

    Args:
        suffix: The suffix in lower case, with its dot; "" if the name has no suffix.
        known: The suffixes that are read, if the advice for others should name them.
    """
    advice = ADVICE.get(suffix) or (f"use {known}" if known else "")
    reason = f"the format {suffix or '(no suffix)'} is not supported"
    return f"{reason}; {advice}" if advice else reason
