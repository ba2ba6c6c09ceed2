"""Reads the form fields of a page, with their values, and its comments.

Owns the calls of PDFium for annotations; the caller holds `rag.readers.pdf.page.LOCK`. Fields that
are hidden, buttons, signatures and passwords are left out.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Sequence
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from rag.readers.pdf.parts import Field, PageContent, Run, letters_of
from rag.readers.pdf.turn import Turn

__all__ = ["field_runs", "read_annotations"]

_MOST_ANNOTATIONS = 5_000
"""Annotations beyond this number on one page are not read."""
_HIDDEN_FLAGS = 0x02 | 0x20
"""Annotation flags Hidden and NoView (ISO 32000-1, table 165)."""
_PASSWORD_FLAG = 1 << 13
"""Field flag Password (ISO 32000-1, table 228)."""
_COMMENTS = {
    raw.FPDF_ANNOT_TEXT,
    raw.FPDF_ANNOT_FREETEXT,
    raw.FPDF_ANNOT_HIGHLIGHT,
    raw.FPDF_ANNOT_UNDERLINE,
    raw.FPDF_ANNOT_SQUIGGLY,
    raw.FPDF_ANNOT_STRIKEOUT,
    raw.FPDF_ANNOT_CARET,
    raw.FPDF_ANNOT_STAMP,
    raw.FPDF_ANNOT_LINE,
    raw.FPDF_ANNOT_SQUARE,
    raw.FPDF_ANNOT_CIRCLE,
    raw.FPDF_ANNOT_POLYGON,
    raw.FPDF_ANNOT_POLYLINE,
    raw.FPDF_ANNOT_INK,
}
_MACHINE_NAME = re.compile(
    r"^(?:text|textfield|check ?box|button|radio|combo|list|dropdown|field|undefined|fill|f|c|p)?"
    r"[ _.\-\[\]\d]*$",
    re.IGNORECASE,
)
"""Names that a program gave: they say nothing to a person."""


def read_annotations(
    page: pdfium.PdfPage, form: Any | None, content: PageContent, turn: Turn
) -> bool:
    """Add the form fields and comments of a page to its content.

    Args:
        page: The page.
        form: PDFium's form environment; None for a document without a form.
        content: Where to add.
        turn: The turn of the page's first frame.

    Returns:
        Whether all annotations were read; False for a page with too many.
    """
    count = raw.FPDFPage_GetAnnotCount(page)
    for index in range(min(count, _MOST_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            if raw.FPDFAnnot_GetFlags(annotation) & _HIDDEN_FLAGS:
                continue
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            if kind == raw.FPDF_ANNOT_WIDGET and form is not None:
                item = _field(annotation, form, turn)
                if item is not None:
                    content.fields.append(item)
            elif kind in _COMMENTS:
                text = _string(annotation, b"Contents")
                author = _string(annotation, b"T")
                if text and kind != raw.FPDF_ANNOT_FREETEXT:
                    text = f"Comment ({author}): {text}" if author else f"Comment: {text}"
                if text:
                    content.comments.append(text)
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
    return bool(count <= _MOST_ANNOTATIONS)


def field_runs(fields: Sequence[Field], runs: Sequence[Run]) -> list[Run]:
    """Return a run for each field, so that its value is read beside its label.

    The value stands alone if a label beside the field says what it is; else the field's name
    stands before it.
    """
    return [_field_run(item, runs) for item in fields]


def _field_run(item: Field, runs: Sequence[Run]) -> Run:
    box = item.box
    height = min(box.top - box.bottom, 14.0)
    middle = box.top - height / 2 if box.top - box.bottom > 28 else (box.top + box.bottom) / 2
    beside = [
        run
        for run in runs
        if min(run.top, middle + 7) - max(run.bottom, middle - 7) > 0 and run.words
    ]
    if item.checkbox:
        beside = [r for r in beside if -2 < r.left - box.right < 40 or 0 <= box.left - r.right < 40]
    else:
        above = [
            run
            for run in runs
            if 0 <= run.bottom - box.top + 4 < 18 and run.left < box.right and run.right > box.left
        ]
        beside = [run for run in beside if run.right <= box.left + 2] or above
    label = _words(" ".join(run.text for run in beside))
    name = " ".join(re.sub(r"[_.]+|\[\d+\]", " ", item.name).split())
    text = item.value
    if name and not (label and (label & _words(name) or _MACHINE_NAME.match(name))):
        text = f"{text} {name}" if item.checkbox else f"{name}: {text}"
    near = min(beside, key=lambda run: abs((run.top + run.bottom) / 2 - middle), default=None)
    if near is not None and abs((near.top + near.bottom) / 2 - middle) < 7:
        bottom, top, size = near.bottom, near.top, near.size
    else:
        bottom, top, size = middle - height / 2, middle + height / 2, max(height * 0.8, 4.0)
    run = Run([(text, box.left, max(box.right, box.left + 1.0))], bottom, top, size, form=True)
    if near is not None and near.right <= box.left:
        # No gap stands between a label and its value, or they would be taken for two columns.
        run.left = near.right + 0.3 * size
    return run


def _words(text: str) -> set[str]:
    return {letters_of(word) for word in text.split()} - {""}


def _field(annotation: Any, form: Any, turn: Turn) -> Field | None:
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    flags = raw.FPDFAnnot_GetFormFieldFlags(form, annotation)
    if kind in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON):
        value = "[x]" if raw.FPDFAnnot_IsChecked(form, annotation) else "[ ]"
    elif kind in (raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX):
        value = ", ".join(_chosen(annotation, form)) or _text(
            raw.FPDFAnnot_GetFormFieldValue, form, annotation
        )
    elif kind == raw.FPDF_FORMFIELD_TEXTFIELD and not flags & _PASSWORD_FLAG:
        value = _text(raw.FPDFAnnot_GetFormFieldValue, form, annotation)
    else:
        return None
    rect = raw.FS_RECTF()
    if not value or not raw.FPDFAnnot_GetRect(annotation, rect):
        return None
    name = _text(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation) or _text(
        raw.FPDFAnnot_GetFormFieldName, form, annotation
    )
    checkbox = value in ("[x]", "[ ]")
    if kind == raw.FPDF_FORMFIELD_RADIOBUTTON:
        export = _text(raw.FPDFAnnot_GetFormFieldExportValue, form, annotation)
        name = " ".join([name, export]).strip()
    box = turn.rule(rect.left, min(rect.bottom, rect.top), rect.right, max(rect.bottom, rect.top))
    return Field(name, " ".join(value.split()), box, checkbox)


def _chosen(annotation: Any, form: Any) -> list[str]:
    """Return the labels of the chosen options."""
    count = raw.FPDFAnnot_GetOptionCount(form, annotation)
    return [
        label
        for index in range(min(count, 1_000))
        if raw.FPDFAnnot_IsOptionSelected(form, annotation, index)
        and (label := _text(raw.FPDFAnnot_GetOptionLabel, form, annotation, index))
    ]


def _text(function: Callable[..., int], *arguments: Any) -> str:
    """Return the text that a PDFium function writes into a buffer, as UTF-16."""
    length = function(*arguments, None, 0)
    if not 2 < length < 2**20:
        return ""
    buffer = ctypes.create_string_buffer(length)
    function(*arguments, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length)
    return buffer.raw[: length - 2].decode("utf-16-le", "replace").strip()


def _string(annotation: Any, key: bytes) -> str:
    text = _text(raw.FPDFAnnot_GetStringValue, annotation, key)
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
