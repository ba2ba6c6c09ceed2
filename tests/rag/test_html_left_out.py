"""What of an HTML page is left out: hidden text, navigation, pages without text."""

from __future__ import annotations

import pytest

from rag.errors import ReadError
from tests.rag.html_pages import PROSE, read, text


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
