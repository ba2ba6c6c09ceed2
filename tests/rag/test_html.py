"""The content and structure of HTML: everything once, in order, whatever the page looks like."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import ReadError
from rag.readers.builder import TextBuilder
from rag.readers.html import add_html
from tests.rag.html_pages import read, text


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
