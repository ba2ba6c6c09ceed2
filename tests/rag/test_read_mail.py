"""Emails: headers, the text among several, encodings, attachments."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from rag.documents import Document
from rag.errors import ReadError
from rag.readers import read_bytes
from tests.rag.office_files import paragraph, row, table, word

HEAD = (
    "Subject: Oil change\nFrom: Ada <ada@example.org>\nTo: b@example.org\nDate: Wed, 5 Mar 2031\n"
)


def read(source: str | bytes) -> Document:
    return read_bytes("docs/a.eml", source.encode() if isinstance(source, str) else source)


def mail(text: str = "Hello.") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"] = "Oil change", "ada@example.org"
    message.set_content(text)
    return message


def test_the_headers_come_first() -> None:
    document = read(HEAD + "X-Other: no\n\nThe oil is changed.\n")
    assert document.title == "Oil change"
    assert document.text == (
        "Oil change\n\nFrom: Ada <ada@example.org>\nTo: b@example.org\nDate: Wed, 5 Mar 2031\n\n"
        "The oil is changed."
    )


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (b"=?utf-8?B?5rWL6K+V?= =?utf-8?Q?_f=C3=BCr?= x", "测试 für x"),
        (b"=?gb2312?B?suLK1A==?=", "测试"),
        ("Prüfung der Anlage".encode(), "Prüfung der Anlage"),
        (b"Two\r\n lines", "Two lines"),
        (b"=?no-such-charset?Q?a=E9?=", "aé"),
        (b"=?utf-8?B?broken", "=?utf-8?B?broken"),
    ],
)
def test_the_subject_is_decoded(header: bytes, subject: str) -> None:
    assert read(b"Subject: " + header + b"\r\nFrom: a@b.c\r\n\r\nText.").title == subject


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("gb2312", "gb18030", "白沙泵站的备用钥匙放在三号柜。"),
        ("iso-8859-1", "latin-1", "Der Schlüssel hängt am Haken."),
        ("utf-8", "utf-8", "Ключ в шкафу."),
        ("", "utf-8", "The key is in the café."),
    ],
)
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_the_text_is_decoded(charset: str, codec: str, text: str, kind: str) -> None:
    named = f"; charset={charset}" if charset else ""
    head = f"{HEAD}Content-Type: text/{kind}{named}\nContent-Transfer-Encoding: 8bit\n\n"
    assert text in read(head.encode() + text.encode(codec)).text


def test_quoted_printable_and_flowed_text_have_whole_sentences() -> None:
    head = HEAD + "Content-Type: text/plain; format=flowed; charset=utf-8\n"
    body = (
        "Content-Transfer-Encoding: quoted-printable\n\nThe valve =\nis f=C3=BCr \nhall 3.\nNext.\n"
    )
    assert read(head + body).text.endswith("The valve is für hall 3.\nNext.")


def test_the_plain_text_is_read_once_if_it_says_as_much_as_the_html() -> None:
    message = mail("The pump stops at noon.")
    message.add_alternative("<p>The pump <b>stops</b> at noon.</p>", subtype="html")
    assert read(message.as_bytes()).text.count("stops") == 1


def test_the_html_is_read_if_the_plain_text_is_only_a_hint() -> None:
    message = mail("Use a better program.")
    html = "<html><body><p>The pump stops at noon, and starts again at one.</p></body></html>"
    message.add_alternative(html, subtype="html")
    message.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<a>")
    document = read(message.as_bytes())
    assert document.text.endswith("The pump stops at noon, and starts again at one.")
    assert "better program" not in document.text
    assert document.remarks == ()


def test_known_attachments_are_read_with_their_structure() -> None:
    message = mail()
    docx = word(
        paragraph("Rules", '<w:outlineLvl w:val="0"/>') + table(row("a", "b"), row("c", "d"))
    )
    message.add_attachment(docx, "application", "x", filename="rules.docx")
    message.add_attachment("k: v", "plain", filename="见.txt")
    document = read(message.as_bytes())
    assert document.text.endswith("rules.docx\n\nRules\n\na | b\nc | d\n\n见.txt\n\nk: v\n")
    assert [section.heading for section in document.sections] == [
        "Oil change",
        "rules.docx",
        "rules.docx > Rules",
        "见.txt",
    ]
    (block,) = document.blocks
    assert block.header is not None
    assert document.text[block.start : block.end] == "a | b\nc | d"
    assert document.text[slice(*block.header)] == "a | b"


def test_other_attachments_are_named() -> None:
    message = mail()
    message.add_attachment(b"\x00", "application", "zip", filename="parts.zip")
    message.add_attachment(b"\x89PNG", "image", "png", filename="photo.png")
    message.add_attachment(b"not a zip", "application", "x", filename="bad.docx")
    document = read(message.as_bytes())
    assert document.remarks == ("Attachments that are not read: parts.zip, photo.png.",)
    assert document.missing[0].startswith("The attachment bad.docx is not read: the file is not")


def test_an_attached_email_is_read_but_not_its_attachments() -> None:
    inner = mail("The inner text.")
    inner.replace_header("Subject", "Inner")
    inner.add_attachment("deep", "plain", filename="deep.txt")
    outer = mail()
    outer.add_attachment(inner)
    outer.add_attachment(inner.as_bytes(), "application", "octet-stream", filename="saved.eml")
    document = read(outer.as_bytes())
    assert document.text.count("The inner text.") == 2
    assert "\ndeep" not in document.text
    assert document.remarks == (
        "Attachment Inner.eml: Attachments that are not read: deep.txt.",
        "Attachment saved.eml: Attachments that are not read: deep.txt.",
    )


def test_the_number_of_attachments_that_are_read_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rag.readers.mail._MAX_ATTACHMENTS", 1)
    message = mail()
    for number in range(3):
        message.add_attachment(f"text {number}", "plain", filename=f"{number}.txt")
    document = read(message.as_bytes())
    assert document.text.endswith("0.txt\n\ntext 0\n")
    assert document.remarks == ("Attachments that are not read: 1.txt, 2.txt.",)


@pytest.mark.parametrize(
    "source",
    [
        HEAD + "Content-Type: multipart/mixed; boundary=x\n\nNo part at all.",
        HEAD + "Content-Type: multipart/mixed\n\nNo boundary.",
        HEAD + 'Content-Type: text/plain; charset="no-such"\n\nStill text.',
        HEAD + "Content-Type: /;;==\n\nStill text.",
        HEAD + "Content-Transfer-Encoding: base64\n\nnot base64!",
        HEAD + "Date: \x01\nBroken line without a colon\n\nText.",
    ],
)
def test_broken_emails_are_read(source: str) -> None:
    assert read(source).title == "Oil change"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("Just a text.", "not an email: it has no headers"),
        (HEAD + "Content-Type: multipart/encrypted; boundary=x\n\n--x--", "is encrypted"),
        (HEAD + "Content-Type: application/pkcs7-mime\n\nMII", "is encrypted"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(source: str, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read(source)


@pytest.mark.parametrize(
    ("suffix", "advice"),
    [(".msg", "save it as EML"), (".doc", "save it as DOCX"), (".ppt", "PPTX"), (".xls", "XLSX")],
)
def test_old_formats_are_refused_with_advice(suffix: str, advice: str) -> None:
    with pytest.raises(ReadError, match=f"the format {suffix} is not supported; .*{advice}"):
        read_bytes(f"docs/a{suffix}", b"data")
