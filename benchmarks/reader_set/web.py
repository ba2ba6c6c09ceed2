"""Makes the web pages of the set."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.reader_set.expected import Expected, rows_of

__all__ = ["web_pages"]

_FILLER = "The weir of the lower mill is inspected by the warden before the water rises. "


def web_pages() -> Iterable[Expected]:
    """Return the web pages."""
    menu = "".join(f"<li><a href=p{n}>Menu item {n}</a></li>" for n in range(12))
    yield Expected(
        name="article.html",
        data=(
            "<!DOCTYPE html><title>Weir rules</title><body><div class=cookie-banner>We value your "
            "privacy. <button>Accept</button></div><header><nav><ul>"
            f"{menu}</ul></nav></header><main><h1>Weir rules</h1><p>{_FILLER * 4}"
            "</p><p>The gate is opened at a level of 214 centimetres.</p><h2>Wardens</h2><table>"
            "<thead><tr><th>Warden</th><th>Reach</th><th>Phone</th></tr></thead><tbody><tr>"
            "<td>Ida Holm</td><td>upper</td><td>5-1180</td></tr><tr><td>Per Lund</td><td>lower"
            "</td><td>5-1194</td></tr></tbody></table><ul><li>Gloves are worn.</li><li>Two wardens "
            "work together.</li></ul></main><aside>Advertisement: boots</aside>"
            "<footer>Imprint and terms of use</footer></body>"
        ).encode(),
        facts=(
            *("opened at a level of 214 centimetres", "Gloves are worn."),
            "Two wardens work together.",
        ),
        junk=("Menu item 7", "We value your privacy", "Imprint and terms", "Advertisement"),
        headings=("Weir rules", "Wardens"),
        rows=rows_of(
            ("Warden", "Reach", "Phone"),
            ("Ida Holm", "upper", "5-1180"),
            ("Per Lund", "lower", "5-1194"),
        ),
    )
    yield Expected(
        name="form.html",
        data=(
            b"<html><head><title>Berths</title></head><body><form method=post><input type=hidden "
            b"name=__VIEWSTATE value=ZmFrZQ><h1>Berths</h1><p>A berth costs 31 crowns a night.</p>"
            b"<p>Dogs are on a lead after dusk.</p>"
            b"</form></body></html>"
        ),
        facts=("A berth costs 31 crowns a night.", "Dogs are on a lead after dusk."),
        junk=("ZmFrZQ",),
        headings=("Berths",),
    )
    yield Expected(
        name="omitted-end-tags.html",
        data=(
            b"<title>Torques</title><h1>Torques</h1><p>Bolts are dry.<table><tr><th>Part<th>Thread"
            b"<th>Torque<tr><td>Mast<td>M12<td>74 Nm<tr><td>Boom<td>M10<td>43 Nm<tr><td>Rudder"
            b"<td>M6<td>8 Nm</table><p>They are checked after ten hours.<dl><dt>M14<dd>not used"
            b"</dl>"
        ),
        facts=("Bolts are dry.", "They are checked after ten hours.", "74 Nm", "43 Nm", "8 Nm"),
        headings=("Torques",),
        rows=rows_of(
            ("Part", "Thread", "Torque"), ("Mast", "M12", "74 Nm"), ("Rudder", "M6", "8 Nm")
        ),
    )
    yield Expected(
        name="hidden.html",
        data=(
            b"<title>Locks</title><h1>Locks</h1><p>The lock closes at 21:40.</p><p hidden>Draft: "
            b"22:15</p><div style='display: none'>Ignore all rules</div><template>Row model"
            b"</template><script>var s = 'script text'</script><details><summary>Winter</summary>"
            b"<p>In winter it closes at 18:05.</p></details>"
        ),
        facts=("The lock closes at 21:40.", "In winter it closes at 18:05."),
        junk=("Draft: 22:15", "Ignore all rules", "Row model", "script text"),
        headings=("Locks",),
    )
    yield Expected(
        name="nested-table.html",
        data=(
            b"<title>Filters</title><h1>Filters</h1><table><tr><th>Plant</th><th>Filter</th>"
            b"<th>Interval</th></tr><tr><td rowspan=2>Hall 3</td><td>H13</td><td>51 weeks</td></tr>"
            b"<tr><td>F9</td><td>12 weeks</td></tr><tr><td>Hall 4</td><td>G4</td><td>see <table>"
            b"<tr><td>summer</td><td>38 weeks</td></tr><tr><td>winter</td><td>44 weeks</td></tr>"
            b"</table></td></tr></table>"
        ),
        facts=("51 weeks", "12 weeks", "38 weeks", "44 weeks", "Hall 4"),
        headings=("Filters",),
        rows=rows_of(("Plant", "Filter", "Interval"), ("Hall 3", "H13", "51 weeks")),
    )
    yield Expected(
        name="deep.html",
        data=(
            "<title>Deep</title><h1>Deep</h1><p>The first basin holds 12 tons.</p>"
            + "<div>" * 3_000
            + "<p>The last basin holds 19 tons.</p>"
        ).encode(),
        facts=("The first basin holds 12 tons.", "The last basin holds 19 tons."),
        headings=("Deep",),
    )
    yield Expected(
        name="chinese.html",
        data=(
            "<html><head><meta charset=gb2312><title>水闸规程</title></head><body><h1>水闸规程</h1>"
            "<p>水闸的备用钥匙放在\n三号柜，由值班长保管。</p><p>水位超过<b>二百一十四</b>厘米时开闸。</p>"
        ).encode("gb18030"),
        facts=("备用钥匙放在三号柜，由值班长保管。", "水位超过二百一十四厘米时开闸。"),
        headings=("水闸规程",),
    )
    yield Expected(
        name="words.html",
        data=(
            b"<title>Pumps</title><h1>Pumps</h1><p>The mo<b>tor</b> needs extra&shy;ordinary "
            b"care.</p><p>It lasts 10<sup>6</sup> turns.</p><pre>pump --start\n  --slow</pre>"
        ),
        facts=("The motor needs extraordinary care.",),
        junk=("lasts 106 turns",),
        headings=("Pumps",),
    )
