"""Builds the content of Word documents for tests, and reads it."""

from __future__ import annotations

from rag.documents import Document
from rag.readers import read_bytes
from tests.rag.office_files import paragraph, run, word

INSERTED = '<w:ins w:id="1" w:author="A">{}</w:ins>'
DELETED = '<w:del w:id="2" w:author="A"><w:r><w:delText>{}</w:delText></w:r></w:del>'
CHANGED = run("every ") + DELETED.format("500") + INSERTED.format(run("320")) + run(" hours")
"""A run, a tracked deletion and a tracked insertion: "every 320 hours" with all accepted."""

STYLES = (
    '<w:style w:styleId="H1"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="1"/>'
    "</w:numPr></w:pPr></w:style>"
    '<w:style w:styleId="H2"><w:name w:val="heading 2"/><w:basedOn w:val="H1"/></w:style>'
    '<w:style w:styleId="Own"><w:name w:val="Kapitel"/><w:basedOn w:val="H2"/></w:style>'
    '<w:style w:styleId="Loop"><w:name w:val="x"/><w:basedOn w:val="Loop"/></w:style>'
    '<w:style w:styleId="Secret"><w:name w:val="s"/><w:rPr><w:vanish/></w:rPr></w:style>'
)


def level(number: int, kind: str, text: str, extra: str = "") -> str:
    """Return one level of a list in the numbering part."""
    return (
        f'<w:lvl w:ilvl="{number}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>{extra}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


NUMBERING = (
    '<w:abstractNum w:abstractNumId="5">'
    + level(0, "decimal", "%1.", '<w:pStyle w:val="H1"/>')
    + level(1, "decimal", "%1.%2", '<w:pStyle w:val="H2"/>')
    + "</w:abstractNum>"
    '<w:abstractNum w:abstractNumId="6">'
    + level(0, "lowerLetter", "%1)")
    + level(1, "upperRoman", "%2.")
    + level(2, "bullet", "\uf0b7")
    + "</w:abstractNum>"
    '<w:abstractNum w:abstractNumId="7">'
    + level(0, "chineseCountingThousand", "第%1条")
    + "</w:abstractNum>"
    '<w:num w:numId="1"><w:abstractNumId w:val="5"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="6"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="6"/><w:lvlOverride w:ilvl="0">'
    '<w:startOverride w:val="4"/></w:lvlOverride></w:num>'
    '<w:num w:numId="4"><w:abstractNumId w:val="7"/></w:num>'
)


def listed(text: str, number: int, depth: int = 0) -> str:
    """Return a paragraph that is an item of list `number` in `NUMBERING`."""
    return paragraph(
        text, f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>'
    )


def field(code: str, result: str) -> str:
    """Return the runs of a field with its code and its result."""

    def mark(kind: str) -> str:
        return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'

    instruction = f"<w:r><w:instrText> {code} </w:instrText></w:r>"
    return mark("begin") + instruction + mark("separate") + result + mark("end")


PICTURE = (
    '<w:r><w:drawing><wp:inline><wp:docPr id="1" name="Picture 1"{}/><a:graphic><a:graphicData>'
    '<pic:pic><pic:nvPicPr><pic:cNvPr id="0" name="a.png"/></pic:nvPicPr></pic:pic>'
    "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
)


def read(body: str, **parts: str) -> Document:
    """Read a document from its body and other parts, as `word` takes them."""
    return read_bytes("docs/a.docx", word(body, **parts))


def text_of(body: str, **parts: str) -> str:
    """Return the text that `read` gives."""
    return read(body, **parts).text
