"""The characters of HTML: white space, encodings, XHTML, and saved web pages."""

from __future__ import annotations

import codecs
from email.message import EmailMessage

import pytest

from rag.readers.html import declared_encoding
from tests.rag.html_pages import read, text


def test_white_space_reads_as_in_a_browser() -> None:
    assert text("<p>a<b>b</b>c  d\n e&nbsp;f<i> g</i>h") == "abc d e f gh"
    assert text("<p>soft\u00adhyphen&shy;s w<wbr>br zero\u200bwidth") == "softhyphens wbr zerowidth"
    assert text("<p>one<br>two<br><br>three") == "one\ntwo\n\nthree"
    assert text("<p>x &lt;&eacute;&#20013;&amp;amp;") == "x <é中&amp;"


def test_a_line_break_between_chinese_characters_is_not_a_space() -> None:
    assert (
        text("<p>水泵的保修期\n  是三年。\n<b>请</b>\n联系 ABC\n公司")
        == "水泵的保修期是三年。请联系 ABC 公司"
    )
    assert text("<p>펌프의 보증\n기간") == "펌프의 보증 기간"


def test_small_digits_and_readings_do_not_change_numbers_and_words() -> None:
    assert text("<p>10<sup>6</sup> m<sup>2</sup>, H<sub>2</sub>O, 1<sup>st</sup>") == (
        "10⁶ m², H₂O, 1st"
    )
    ruby = "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rp>(</rp><rt>じ</rt><rp>)</rp></ruby>"
    assert text(f"<p>{ruby}を読む") == "漢字（かんじ）を読む"
    formula = "<math><mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mi>b</mi></mfrac></math>"
    assert text(f"<p>x = {formula}") == "x = (a+1)/b"


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("<meta charset=gb2312>", "gb18030"),
        ("<meta charset='Shift_JIS'>", "cp932"),
        (
            "<!-- <meta charset=utf-8> --><meta http-equiv=Content-Type "
            "content='text/html; charset=gbk'>",
            "gb18030",
        ),
        ("<?xml version='1.0' encoding='Big5'?>", "big5"),
        ("<meta charset=x-sjis>", "cp932"),
    ],
)
def test_the_encoding_that_a_page_names_is_found(head: str, encoding: str) -> None:
    named = declared_encoding(head.encode())
    assert named is not None
    assert "三年".encode(encoding).decode(codecs.lookup(named).name) == "三年"


@pytest.mark.parametrize("encoding", ["gb2312", "big5", "shift_jis", "euc_jp", "gbk"])
def test_a_page_is_read_in_the_encoding_that_it_names(encoding: str) -> None:
    page = f"<meta charset={encoding}><title>二手</title><p>三年的金屋大山中文小人人口。".encode(
        encoding
    )
    document = read(page)
    assert document.text == "三年的金屋大山中文小人人口。"
    assert document.remarks == ()


def test_a_broken_byte_costs_only_itself_and_is_reported() -> None:
    page = ("<meta charset=gb18030><p>" + "三年的水泵。" * 20).encode("gb18030") + b"\xff<p>end"
    document = read(page)
    assert document.text.endswith("end")
    assert len(document.missing) == 1


def test_a_byte_order_mark_comes_before_what_the_page_says() -> None:
    page = "<meta charset=iso-8859-1><p>é 中"
    assert read(page.encode("utf-8-sig")).text == "é 中"
    assert read(page.encode("utf-16")).text == "é 中"


def test_xhtml_closes_elements_by_themselves_and_has_text_in_cdata() -> None:
    page = (
        "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/>"
        "<script src='a.js'/></head><body><div/><p>one <![CDATA[<two> & three]]></p><br/>"
        "<p>four</p></body></html>"
    )
    assert text(page) == "one <two> & three\n\nfour"
    assert read(page.partition("?>")[2], "docs/a.xhtml").text == "one <two> & three\n\nfour"


def saved_page(*parts: tuple[str, str]) -> bytes:
    message = EmailMessage()
    message["Subject"] = "a page"
    message.make_related()
    for charset, html in parts:
        part = EmailMessage()
        part.set_content(html, subtype="html", charset=charset, cte="quoted-printable")
        message.attach(part)
    return message.as_bytes()


def test_a_saved_web_page_is_read_from_its_first_part() -> None:
    data = saved_page(("gb18030", "<title>泵</title><p>三年"), ("utf-8", "<p>an advertisement"))
    document = read(data, "docs/a.mhtml")
    assert (document.title, document.text) == ("泵", "三年")


def test_the_frames_of_a_saved_web_page_are_its_other_parts() -> None:
    frames = "<frameset><frame src=a><frame src=b></frameset>"
    document = read(
        saved_page(("utf-8", frames), ("utf-8", "<p>a"), ("utf-8", "<p>b")), "docs/a.mht"
    )
    assert document.text == "a\n\nb"
    assert document.missing == ()
