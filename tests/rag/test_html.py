"""Reading HTML: what a reader of the page sees, once, in order."""

from __future__ import annotations

import codecs
import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.documents import Document
from rag.errors import ReadError
from rag.readers import read_bytes
from rag.readers.builder import TextBuilder
from rag.readers.html import add_html, declared_encoding

PROSE = "The weir of the lower mill is opened in spring. " * 8


def read(html: str | bytes, key: str = "docs/a.html") -> Document:
    return read_bytes(key, html.encode() if isinstance(html, str) else html)


def text(html: str) -> str:
    return read(html).text


def test_a_page_inside_a_form_is_read_without_its_fields() -> None:
    page = (
        "<title>Rules</title><form><input type=hidden value=STATE><input type=text value=VALUE>"
        "<button>Send</button><h1>Berths</h1><label>Length</label> <p>A berth costs 31 crowns."
        "<select><option>one<option selected>two</select><textarea>Note.</textarea></form>"
    )
    document = read(page)
    assert document.text == "Berths\n\nLength\n\nA berth costs 31 crowns. two\n\nNote."
    assert [section.heading for section in document.sections] == ["Berths"]


def test_omitted_end_tags_give_each_cell_paragraph_and_item_once() -> None:
    page = (
        "<h1>Bolts</h1><p>One.<p>Two.<ul><li>a<li>b</ul>"
        "<table><tr><th>Part<th>Torque<tr><td>Mast<td>74 Nm<tr><td>Boom<td>43 Nm</table>"
        "<dl><dt>M6<dd>8 Nm<dt>M8<dd>19 Nm</dl>"
    )
    document = read(page)
    assert document.text == (
        "Bolts\n\nOne.\n\nTwo.\n\n- a\n- b\n\n"
        "Part | Torque\nMast | 74 Nm\nBoom | 43 Nm\n\n- M6: 8 Nm\n- M8: 19 Nm"
    )
    (table,) = document.blocks
    assert table.header is not None
    assert document.text[slice(*table.header)] == "Part | Torque"


def test_a_page_100_000_elements_deep_is_read() -> None:
    depth = 100_000
    assert text("<p>first</p>" + "<div>" * depth + "deepest" + "</div>" * depth + "last") == (
        "first\n\ndeepest\n\nlast"
    )


@pytest.mark.parametrize(
    "start", ["<b>", "<blockquote><p>", "<ul><li>", "<table><tr><td>", "<span>", "<div/>", "<q>"]
)
def test_elements_of_every_kind_may_nest_as_deep_as_they_like(start: str) -> None:
    page = text("<p>first</p>" + start * 10_000 + "deepest")
    assert "first" in page
    assert "deepest" in page


@pytest.mark.parametrize(
    "page",
    [
        "".join(f"<p><font color={n}>x" for n in range(8_000)),
        "<div " + " ".join(f"a{n}=1" for n in range(50_000)) + ">x",
        "x" + "<!--" * 200_000,
        "x" + "<a " * 200_000,
        "<?xml version='1.0'?><p>x</p>" + "<![CDATA[" * 200_000,
        "x" + "<script>" * 100_000,
        "<table>x" * 5_000,
        f"<style>{'a' * 200_000}</style>x",
        f"<style>{'@' * 200_000}</style>x",
        f"<style>{'.a{display:none}' * 20_000}</style>x",
    ],
)
def test_the_time_to_read_does_not_grow_with_the_square_of_the_size(page: str) -> None:
    start = time.process_time()
    assert "x" in read(page).text
    # Without the limits each of them takes minutes.
    assert time.process_time() - start < 20


def test_a_table_inside_a_cell_is_read_once_in_its_cell() -> None:
    page = (
        "<table><tr><th>Plant<th>Filters<tr><td>Hall 3"
        "<td>see <table><tr><td>H13<td>51 weeks<tr><td>F9<td>12 weeks</table></table>"
    )
    assert text(page) == "Plant | Filters\nHall 3 | see H13, 51 weeks; F9, 12 weeks"


def test_a_merged_cell_stands_once_and_the_columns_stay_aligned() -> None:
    page = (
        "<table><thead><tr><th colspan=3>Filters<tr><th>Air<th>Panel<th>Weeks</thead>"
        "<tr><td rowspan=2>Supply<td>H13<td>51<tr><td>F9<td>12<tr><td>Exhaust<td colspan=2>none"
        "</table>"
    )
    document = read(page)
    assert document.text == (
        "Filters\nAir | Panel | Weeks\nSupply | H13 | 51\n | F9 | 12\nExhaust | none"
    )
    header = document.blocks[0].header
    assert header is not None
    assert document.text[slice(*header)] == "Filters\nAir | Panel | Weeks"


@pytest.mark.parametrize("span", ["0", "65535", "-1", "x", "99999999999", "²"])
def test_any_value_of_a_span_is_accepted(span: str) -> None:
    page = f"<table><tr><td rowspan='{span}' colspan='{span}'>a<td>b<tr><td>c<td>d</table>"
    assert set("abcd") <= set(text(page))


def test_a_table_that_only_arranges_a_page_is_read_as_running_text() -> None:
    page = "<table><tr><td><h1>Weir</h1><p>Open in spring.<td><pre>x = 1\n y</pre></table>"
    document = read(page)
    assert document.text == "Weir\n\nOpen in spring.\n\nx = 1\n y"
    assert [block.kind for block in document.blocks] == ["code"]


def test_a_first_row_in_bold_is_the_header_of_a_table_without_th() -> None:
    page = "<table><tr><td><b>a</b><td><strong>b</strong><tr><td>1<td><b>2</b></table>"
    (table,) = read(page).blocks
    assert table.header == (0, len("a | b"))


def test_a_first_row_of_words_is_the_header_of_a_table_without_any_marks() -> None:
    rows = "<tr><td>Part<td>Torque<tr><td>Mast<td>74 Nm<tr><td>Boom<td>43 Nm"
    (table,) = read(f"<table>{rows}</table>").blocks
    assert table.header == (0, len("Part | Torque"))


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>SECRET</p>",
        "<p style='color:red; Display : NONE'>SECRET</p>",
        "<p style='visibility:hidden'>SECRET</p>",
        "<template>SECRET</template>",
        "<noscript>SECRET</noscript>",
        "<dialog>SECRET</dialog>",
        "<script>SECRET</script>",
        "<style>SECRET</style>",
        "<!-- SECRET -->",
        "<svg><title>SECRET</title><text>SECRET</text></svg>",
        "<iframe srcdoc='<p>SECRET'>SECRET</iframe>",
        "<object data=x><param value=SECRET></object>",
        "<video>SECRET</video>",
        "<datalist><option>SECRET</datalist>",
        "<del>SECRET</del>",
        "<s>SECRET</s>",
        "<math><mi>x</mi><annotation>SECRET</annotation></math>",
        "<input value=SECRET placeholder=SECRET>",
        "<button>SECRET</button>",
        "<ul><li hidden>SECRET<li>seen</ul>",
        "<table><tr hidden><td>SECRET<tr><td>a<td>b</table>",
    ],
)
def test_what_a_browser_does_not_show_is_left_out(hidden: str) -> None:
    document = read(f"<h1>Weir</h1><p>before</p>{hidden}<p>after</p>")
    assert "SECRET" not in document.text
    assert "before" in document.text
    assert document.text.endswith("after")


@pytest.mark.parametrize(
    "shown",
    [
        "<details><summary>More</summary><p>SHOWN</details>",
        "<p aria-hidden=true>SHOWN</p>",
        "<p hidden=until-found>SHOWN</p>",
        "<dialog open>SHOWN</dialog>",
        "<h2><button aria-expanded=false>SHOWN</button></h2>",
        "<fieldset><legend>SHOWN</legend></fieldset>",
        "<figure><img alt=SHOWN><figcaption>f</figcaption></figure>",
        "<blockquote>said<footer>SHOWN</footer></blockquote>",
        "<article><header>SHOWN</header></article>",
        "<unknown-element>SHOWN</unknown-element>",
        "<ins>SHOWN</ins>",
        "<marquee>SHOWN</marquee>",
        "<center><font>SHOWN</font></center>",
        "<object>SHOWN</object>",
        "<table><caption>SHOWN</caption><tr><td>a<td>b</table>",
    ],
)
def test_what_a_browser_shows_is_read_once(shown: str) -> None:
    assert text(f"<h1>Weir</h1><p>before</p>{shown}<p>after</p>").count("SHOWN") == 1


@pytest.mark.parametrize(
    "furniture",
    [
        "<nav><a href=a>MENU</a></nav>",
        "<div role=navigation>MENU</div>",
        "<footer>MENU</footer>",
        "<div id=footer>MENU</div>",
        "<div class='cookie-banner open'>We use cookies. MENU</div>",
        "<div class=breadcrumbs><a href=a>MENU</a> &gt; <a href=b>Mill</a></div>",
        "<a class=skip-link href='#main'>MENU</a>",
        "<a href='#main'>Skip to main content, MENU</a>",
        "<ul><li><a href=a>MENU</a><li><a href=b>Products</a><li><a href=c>Contact</a></ul>",
        "<div><a href=a>MENU</a> | <a href=b>Products</a> | <a href=c>Contact</a></div>",
        "<form role=search><label>MENU</label><input></form>",
        "<menu><li><button>MENU</button></menu>",
    ],
)
def test_navigation_is_left_out(furniture: str) -> None:
    document = read(f"<body>{furniture}<h1>Weir</h1><p>{PROSE}</p>")
    assert "MENU" not in document.text
    assert PROSE.strip() in document.text


@pytest.mark.parametrize(
    "content",
    [
        "<h2>Forms</h2><ul><li><a href=a>KEPT</a><li><a href=b>B 2</a><li><a href=c>C 3</a></ul>",
        "<h2>Forms</h2><ul><li>See<ul><li><a href=a>KEPT</a><li><a href=b>B</a><li><a href=c>C</a>"
        "</ul></ul>",
        "<p>Forms:</p><ul><li><a href=a>KEPT</a><li><a href=b>B 2</a><li><a href=c>C 3</a></ul>",
        "<div class=menu><h2>Lunch</h2><p>KEPT, with no link at all.</p></div>",
        "<article class='cookie-notice'><h1>Biscuits</h1>KEPT</article>",
        "<aside>KEPT as a note beside the text.</aside>",
        "<div class='page-with-sidebar has-footer'>KEPT</div>",
        "<ol><li>KEPT <a href=a>see there</a><li>two</ol>",
    ],
)
def test_content_that_looks_like_navigation_is_kept(content: str) -> None:
    assert "KEPT" in text(f"<body><p>{PROSE}</p>{content}")


def test_a_page_that_consists_of_links_is_an_index_and_is_read() -> None:
    page = "<h1>Index</h1><div><ul>" + "<li><a href=a>Form A</a>" * 5 + "</ul></div>"
    assert text(page).count("Form A") == 5


@pytest.mark.parametrize("main", ["<main>{}</main>", "<div role=main>{}</div>"])
def test_the_main_part_is_the_content_and_the_heading_above_it_belongs_to_it(main: str) -> None:
    page = f"<header><p>Tel. 55<h1>Weir</h1></header>{main.format(PROSE)}<div>Ads</div>"
    assert text(page) == f"Weir\n\n{PROSE.strip()}"


def test_a_main_part_or_article_that_holds_little_of_the_page_does_not_hide_the_rest() -> None:
    assert text(f"<main>Mill</main><div>{PROSE}</div>") == f"Mill\n\n{PROSE.strip()}"
    assert PROSE.strip() in text(f"<div>{PROSE}</div><article>One comment.</article>")


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


def test_lists_keep_their_numbers_and_levels() -> None:
    page = "<ol start=3><li>c<ul><li><p>x</p><p>y</p></ul>z<li value=9>d<li>e</ol><p>end"
    assert text(page) == "3. c\n  - x\n    y\n  z\n9. d\n10. e\n\nend"


def test_code_keeps_its_lines_and_loses_the_numbers_beside_it() -> None:
    page = "<table><tr><td><pre>1\n2</pre><td><pre>\na\n  <b>b</b></pre></table>"
    document = read(page)
    assert document.text == "a\n  b"
    assert document.blocks[0].kind == "code"


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<title>A &amp; B</title><h1>C</h1>", "A & B"),
        ("<title> </title><h2>D</h2><h1>C <a href='#c'>¶</a></h1>x", "C"),
        ("<title>Untitled Document</title><h1>C</h1>", "C"),
        ("<meta property='og:title' content='E'><h1>C</h1>", "E"),
        ("<svg><title>icon</title></svg><h1>C</h1>", "C"),
        ("<p>only text", "a"),
    ],
)
def test_the_title_comes_from_the_page_else_from_its_first_heading(page: str, title: str) -> None:
    assert read(page).title == title


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


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("<div id=root></div><script src=a.js></script>", "made by a script"),
        ("<div id=app>Loading…</div><script>x</script><noscript>No.</noscript>", "by a script"),
        ("<frameset><frame src=a.htm><frame src=b.htm></frameset>", r"a\.htm, b\.htm"),
        ("<img src=a.png><img src=b.png>", "only pictures"),
        ("<form><input value=x></form>", "no text"),
    ],
)
def test_a_page_without_text_is_skipped_with_the_reason(page: str, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read(page)


def test_struck_out_text_is_remarked() -> None:
    assert read("<p>31 <del>29</del> crowns").remarks == ("struck-out text is left out",)


STYLED = "<style>{}</style>{}<p>" + PROSE + "<p class='x'>MARKED"


@pytest.mark.parametrize(
    ("style", "script"),
    [
        (".x { display: none }", ""),
        ("/* .x */ p.x, .y{color:red;VISIBILITY:hidden}", "<script>f()</script>"),
        ("@media print { .n {display:none} } .x {display:none}", ""),
    ],
)
def test_what_the_page_s_own_style_sheet_hides_is_left_out_and_remarked(
    style: str, script: str
) -> None:
    document = read(STYLED.format(style, script))
    assert document.text == PROSE.strip()
    assert document.remarks == ("text that the page's style sheet hides is left out",)


@pytest.mark.parametrize(
    ("style", "script"),
    [
        ("@media print { .a {} .x {display:none} }", ""),
        (".x {display:none} .x.open {display:block}", ""),
        (".x {display:none} @media screen { .x {display:block} }", ""),
        (".x {display:none}", "<script>show('x')</script>"),
        (".x {display:none}", "<script src=tabs.js></script>"),
        (".x:empty {display:none}", ""),
        ("body p {display:none}", ""),
        ("} .x {} {display:none}", ""),
        (".y {display:none}", ""),
    ],
)
def test_what_a_style_sheet_may_show_is_read(style: str, script: str) -> None:
    assert read(STYLED.format(style, script)).text.endswith("MARKED")


def test_a_style_sheet_that_hides_most_of_a_page_does_not_count() -> None:
    assert text(f"<style>.x{{display:none}}</style><p>a<div class=x>{PROSE}</div>").endswith(".")


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


def test_html_of_another_format_is_added_whole() -> None:
    builder = TextBuilder()
    links = "<ul><li><a href=a>A</a><li><a href=b>B</a><li><a href=c>C</a></ul>"
    assert add_html(builder, f"<h1>One</h1>{links}<nav>toc</nav>") == "One"
    assert add_html(builder, "<p>two</p>") == ""
    assert builder.document("docs/a.epub", "t").text == "One\n\n- A\n- B\n- C\n\ntwo"


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *("<table>", "<tr>", "<td>", "<th rowspan=3>", "</table>", "<thead>", "<caption>"),
            *("<ul>", "<ol start=2>", "<li>", "</ul>", "<dl>", "<dt>", "<dd>", "<p>", "</p>"),
            *("<div class=menu>", "</div>", "<a href=x>", "</a>", "<main>", "</main>", "<b>"),
            *("<article>", "<h1>", "<h2>", "</h2>", "<pre>", "</pre>", "<ruby>", "<rt>", "<sup>"),
            *("<math>", "<msup>", "<svg>", "</svg>", "<template>", "<br>", "<q>", "<form>"),
            *("<select>", "<option selected>", "<footer>", "<section>", "<img alt=i>", "<frame>"),
            *(
                "<!--",
                "-->",
                "<![CDATA[",
                "]]>",
                "<?xml ?>",
                "<x/>",
                "&#x110000;",
                "\x00",
                "\ud800",
            ),
        ]
    )
    | st.text(max_size=5),
    max_size=60,
)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(FRAGMENTS)
def test_no_page_stops_the_reader(parts: list[str]) -> None:
    data = "".join(parts).encode("utf-8", "surrogatepass")
    try:
        document = read(data)
    except ReadError as error:
        assert "damaged" not in error.reason
        return
    for section in document.sections:
        assert 0 <= section.start <= section.end <= len(document.text)
    for block in document.blocks:
        start, end = block.header or (block.start, block.end)
        assert block.start <= start <= end <= block.end <= len(document.text)


WORDS = st.lists(st.from_regex(r"[a-z]{6}", fullmatch=True), min_size=1, max_size=12, unique=True)


WRAPS = (
    *("<div>{}</div>", "<ul><li>{}</ul>", "<table><tr><td>{}<td>-</table>", "<b>{}</b>", "<p>{}"),
    *("<blockquote>{}</blockquote>", "<dl><dt>-<dd>{}</dl>", "<h2>{}</h2>", "<pre>{}</pre>"),
)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(WORDS, st.data())
def test_every_word_of_nested_visible_elements_is_read_once(
    words: list[str], data: st.DataObject
) -> None:
    page = ""
    for word in words:
        page = data.draw(st.sampled_from(WRAPS)).format(f" {word} {page}")
    found = [item.strip(",;") for item in text(page).split()]
    assert sorted(item for item in found if item in words) == sorted(words)
