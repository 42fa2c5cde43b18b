"""Does a report page written by socio-bench work in a browser, opened from disk?

    python ci/check_report.py REPORT.html OUT

with websocket-client 1.9.2 (pip) and a Chromium, as ci/check_gallery.py. Screenshots go to OUT. Checked: nothing is asked of
a network and the console holds no error; headings, landmarks, ids, names and labels; text against its background at 4.5:1,
light and dark; tables sort by mouse and keyboard within their groups, what is missing at the end; the gallery's filters,
orders and count; a sample's words by keyboard; pictures in large, focus kept inside and given back, Esc; the theme and that
it is kept; 380 and 320 pixels wide without scrolling sideways; paper; all of it readable without JavaScript. What the
report does not have is told and passed over. Exit code 1 with what failed.
"""

import base64
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from check_gallery import LIGHTNESS, Browser, command, expect  # noqa: E402

# What the page's own script is asked: small functions, put into the page's world by `help`.
HELP = r"""
window.t = {
  all: (s, within = document) => [...within.querySelectorAll(s)],
  seen: (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0,
  class: (e) => e.getAttribute('class') ?? '',
  told: (e) => (e.id && `#${e.id}`) || `<${e.localName} class="${t.class(e)}"> ${e.textContent.trim().slice(0, 40)}`,
  twice: (list) => list.filter((x, i) => list.indexOf(x) !== i),
  // The columns' values of each group, as a reader of the attributes would take them.
  column: (table, head) => {
    const number = head.classList.contains('n');
    return [...table.tBodies].map((body) => t.all(':scope > tr:not(.group)', body).map((row) => {
      const cell = row.cells[Number(head.dataset.col)];
      const v = cell.dataset.v ?? (number ? '' : cell.textContent.trim());
      return v === '' ? null : number ? Number(v) : v;
    }));
  },
  rows: (table) => JSON.stringify([...table.tBodies].map((b) => [...b.rows].map((r) => r.textContent))),
  sets: (table) => JSON.stringify([...table.tBodies].map((b) => [...b.rows].map((r) => r.textContent).sort())),
  sorted: (table, head) => {
    const way = head.getAttribute('aria-sort');
    const words = new Intl.Collator('en', {numeric: true});
    const compare = (a, b) => (typeof a === 'number' ? a - b : words.compare(a, b)) * (way === 'descending' ? -1 : 1);
    return t.column(table, head).every((values) => values.every((v, i) =>
      i === 0 || v === null || (values[i - 1] !== null && compare(values[i - 1], v) <= 0)))
      && [...table.tBodies].every((b) => t.all('tr.group', b).every((r) => r === b.rows[0]));
  },
  cards: () => t.all('#samples > .sample').filter((c) => !c.hidden).map((c) => c.id),
  set: (name, value) => {
    const field = document.getElementById('filters').elements[name];
    field.value = value;
    field.dispatchEvent(new Event('input', {bubbles: true}));
  },
  // Every piece of text against the colours behind it.
  pale: () => {
    const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const cache = new Map();
    const parse = (colour) => {
      if (!cache.has(colour)) {
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
        cache.set(colour, [r, g, b, a / 255]);
      }
      return cache.get(colour);
    };
    const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
    const behind = (e) => {
      const layers = [];
      let opacity = 1;
      for (let at = e; at; at = at.parentElement) {
        const style = getComputedStyle(at);
        opacity *= Number(style.opacity);
        const colour = parse(style.backgroundColor);
        if (colour[3] > 0) layers.push(colour);
        if (colour[3] === 1) break;
      }
      return [layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255, 1]), opacity];
    };
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const probe = document.body.appendChild(document.createElement('i'));
    const shade = (name) => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    };
    const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
    const found = new Map();
    let lowest = 99, texts = 0;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const e = walker.currentNode.parentElement;
      const unseen = 'script, style, .sr, title, desc, option, dialog:not([open])';
      if (!walker.currentNode.data.trim() || e.closest(unseen) || !t.seen(e)) continue;
      const style = getComputedStyle(e);
      let [ground, opacity] = behind(e);
      // Words on an area of a plot: class i3 stands on s3, which lets a little of the page through.
      const area = e.ownerSVGElement && t.class(e).match(/\bi([0-7])\b/);
      if (area) ground = over([...parse(shade(`--s${area[1]}`)).slice(0, 3), 0.85], ground);
      const [drawn, share] = e.ownerSVGElement ? [style.fill, Number(style.fillOpacity)] : [style.color, 1];
      const [r, g, b, a] = parse(drawn);
      const ratio = contrast(over([r, g, b, a * opacity * share], ground), ground);
      texts += 1;
      lowest = Math.min(lowest, ratio);
      if (ratio < 4.5) found.set(`${e.localName}.${t.class(e)} ${drawn}`, `${ratio.toFixed(2)} for ${t.told(e)}`);
    }
    const paper = parse(getComputedStyle(document.body).backgroundColor);
    const series = [0, 1, 2, 3, 4, 5, 6, 7].filter((i) => contrast(parse(shade(`--s${i}`)), paper) < 3);
    probe.remove();
    return {found: [...found.values()], lowest, texts, series};
  },
  // What stands wider than the page, outside of what scrolls by itself.
  wide: (width) => t.all('body *').filter((e) => t.seen(e) && e.getBoundingClientRect().right > width + 1
    && !e.closest('.sr') && !e.parentElement.closest('.scroll, svg, pre')).map(t.told),
};
true
"""

STRUCTURE = r"""(() => {
  const bad = [];
  const ask = (fine, what) => { if (!fine) bad.push(what); };
  ask(document.documentElement.lang, 'no language is named');
  ask(document.title.trim(), 'no title');
  ask(document.querySelector('meta[name=viewport]'), 'no viewport');
  ask(document.querySelector('meta[http-equiv=Content-Security-Policy]'), 'no content security policy');
  const heads = t.all('h1, h2, h3, h4, h5, h6').map((h) => [Number(h.localName[1]), h.textContent.trim()]);
  ask(heads.filter(([n]) => n === 1).length === 1, 'not one h1');
  ask(heads[0]?.[0] === 1, 'the first heading is no h1');
  heads.forEach(([n, text], i) => {
    ask(text, `an empty h${n}`);
    ask(i === 0 || n <= heads[i - 1][0] + 1, `h${n} "${text}" after h${heads[i - 1]?.[0]}`);
  });
  for (const s of ['body > header', 'main', 'body > footer', 'nav']) ask(t.all(s).length === 1, `${t.all(s).length} ${s}`);
  ask(document.querySelector('nav[aria-label], nav[aria-labelledby]'), 'the navigation has no name');
  for (const id of new Set(t.twice(t.all('[id]').map((e) => e.id)))) bad.push(`id ${id} twice`);
  for (const name of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'for']) {
    for (const e of t.all(`[${name}]`)) {
      for (const id of e.getAttribute(name).split(/\s+/)) ask(document.getElementById(id), `${name}="${id}" names nothing`);
    }
  }
  for (const a of t.all('a[href^="#"]')) {
    ask(document.getElementById(decodeURIComponent(a.hash.slice(1))), `the link ${a.hash} leads nowhere`);
  }
  for (const e of t.all('[src], link[href], image, use')) {
    const url = e.getAttribute('src') ?? e.getAttribute('href') ?? e.getAttribute('xlink:href') ?? '';
    ask(/^(data:|#)/.test(url), `${t.told(e)} loads ${url.slice(0, 60)}`);
  }
  for (const i of t.all('img')) {
    const told = i.hasAttribute('alt') && (i.alt.trim() || i.closest('dialog'));
    ask(told, `an image without words: ${t.told(i.parentElement)}`);
  }
  for (const s of t.all('svg')) {
    if (s.closest('[aria-hidden=true]')) continue;
    ask(s.getAttribute('role') === 'img', `${t.told(s)}: an SVG without role="img"`);
    for (const part of ['title', 'desc']) {
      ask(s.querySelector(`:scope > ${part}`)?.textContent.trim(), `${t.told(s)}: an SVG without <${part}>`);
    }
  }
  for (const e of t.all('input, select, textarea')) {
    ask(e.labels.length || e.getAttribute('aria-label'), `${t.told(e)} has no label`);
  }
  for (const e of t.all('[style]')) ask(!/url\(/i.test(e.getAttribute('style')), `${t.told(e)}: a style that loads`);
  for (const s of t.all('section')) {
    ask(s.id && s.hasAttribute('aria-labelledby'), `a section without id or name: ${t.told(s)}`);
  }
  for (const table of t.all('table')) {
    const name = t.told(table.closest('figure') ?? table);
    ask(table.closest('figure')?.querySelector('figcaption')?.textContent.trim(), `${name}: a table without a caption`);
    ask(table.parentElement.matches('.scroll'), `${name}: a table outside of .scroll`);
    ask(t.all('thead th', table).every((h) => ['col', 'colgroup'].includes(h.scope)), `${name}: headings without scope`);
    const columns = [...table.tHead.rows[0].cells].reduce((n, c) => n + c.colSpan, 0);
    for (const row of t.all('tbody tr:not(.group)', table)) {
      ask(row.cells.length === columns, `${name}: a row of ${row.cells.length} cells under ${columns} columns`);
      ask(row.cells[0]?.matches('th[scope=row]'), `${name}: a row without a heading`);
    }
    const at = t.all('th[data-col]', table).map((h) => Number(h.dataset.col));
    ask(at.every((c) => c >= 0 && c < columns) && t.twice(at).length === 0, `${name}: data-col does not name the columns`);
    for (const { dataset: { group } } of table.tBodies) {
      ask(['methods', 'references', 'published'].includes(group), `${name}: a tbody of group ${group}`);
    }
  }
  for (const s of t.all('.scroll')) {
    const region = s.tabIndex === 0 && s.getAttribute('role') === 'region' && s.getAttribute('aria-label');
    ask(region, `${t.told(s.closest('figure') ?? s)}: .scroll without tabindex, role or name`);
  }
  return bad;
})()"""

FOCUSED = "document.activeElement"
DIALOG = "document.querySelector('dialog').open"


class Page(Browser):
    """A page that is no gallery."""

    def open(self, address):
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'", f"{address} did not load", 60)
        self.js(HELP)

    def press(self, key, times=1, shift=False):
        for _ in range(times):
            self.key(key, shift)


def tell(line):
    print(f"  {line}")


def check_structure(page):
    bad = page.js(STRUCTURE)
    expect(not bad, "the page's structure: " + "; ".join(bad[:12]))
    page.call("Accessibility.enable")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    page.call("Accessibility.disable")
    named = {"button", "link", "textbox", "searchbox", "combobox", "checkbox", "image", "img", "region", "dialog", "table"}
    found = [n for n in nodes if not n.get("ignored") and n.get("role", {}).get("value") in named]
    nameless = [n["role"]["value"] for n in found if not str(n.get("name", {}).get("value", "")).strip()]
    expect(not nameless, f"without a name for a screen reader: {', '.join(sorted(set(nameless)))}")
    page.js("document.body.focus()")
    page.key("Tab")
    skip = page.js(f"{FOCUSED}.matches('a.skip') && {FOCUSED}.getBoundingClientRect().top >= 0")
    expect(skip, "the first Tab does not show the link past the navigation")
    page.key("Tab")
    expect(page.js(f"getComputedStyle({FOCUSED}).outlineStyle !== 'none'"), "the focus is not seen")
    tell(f"structure: {len(found)} named things in the accessibility tree")


def check_contrast(page, scheme):
    page.js("t.all('details').forEach((d) => { d.open = true; })")
    pale = page.js("t.pale()")
    page.js("t.all('details').forEach((d) => { d.open = false; })")
    expect(not pale["found"], f"{scheme}: too little contrast: " + "; ".join(pale["found"][:6]))
    expect(not pale["series"], f"{scheme}: series {pale['series']} below 3:1")
    tell(f"{scheme}: {pale['texts']} texts, {pale['lowest']:.2f}:1 at least")


def check_tables(page, out):
    total = page.js("t.all('table').length")
    if not total:
        return tell("no table: sorting not checked")
    presses = 0
    for i in range(total):
        table = f"document.querySelectorAll('table')[{i}]"
        heads = page.js(f"t.all('th[data-col]', {table}).length")
        name = page.js(f"{table}.closest('figure').querySelector('figcaption').textContent.slice(0, 60)")
        first, groups = page.js(f"t.rows({table})"), page.js(f"t.sets({table})")
        for h in range(heads):
            head = f"t.all('th[data-col]', {table})[{h}]"
            expect(page.js(f"{head}.querySelector('button') !== null"), f"{name}: column {h} has no button")
            ways = []
            # The first columns of each table by keys, the others by clicks: the same listener, but the whole way through.
            for key in ("Enter", " ", "Enter") if h < 2 else (None, None, None):
                page.js(f"{head}.querySelector('button').{'focus' if key else 'click'}()")
                if key:
                    page.key(key)
                ways.append(page.js(f"{head}.getAttribute('aria-sort')"))
                presses += 1
                if ways[-1]:
                    expect(page.js(f"t.sorted({table}, {head})"), f"{name}: column {h} is not {ways[-1]} in each group")
                    others = page.js(f"t.all('[aria-sort]', {table}).length")
                    expect(others == 1, f"{name}: {others} columns say that they are sorted")
                    said = page.js("t.all('[role=status]').some((e) => e.textContent.startsWith('Sorted by'))")
                    expect(said, f"{name}: sorting is not told to a screen reader")
                expect(page.js(f"t.sets({table})") == groups, f"{name}: sorting moves rows between groups")
            expect(sorted(map(str, ways)) == ["None", "ascending", "descending"] and ways[2] is None,
                   f"{name}: column {h} goes {ways}")
            expect(page.js(f"t.rows({table})") == first, f"{name}: the third press does not bring the first order back")
    page.js("{ const b = document.querySelector('th.n[data-col] button'); b.click(); b.scrollIntoView({block: 'center'}); }")
    page.picture(out / "sorted.png")
    page.js("{ const b = document.querySelector('th.n[data-col] button'); b.click(); b.click(); }")
    tell(f"tables: {total} sorted, {presses} presses")
    return None


def check_gallery(page, out):
    if not page.js("document.getElementById('samples') !== null"):
        return tell("no gallery: filters, words and pictures not checked")
    cards = page.js(
        "t.all('#samples > .sample').map((c) => ({id: c.id, words: c.querySelector('h3').textContent, ...c.dataset}))"
    )
    total = len(cards)
    expect(total, "the gallery holds no samples")
    order = [c["id"] for c in cards]
    expect(not page.js("document.getElementById('filters').hidden"), "the filters stay hidden")
    live = page.js("(e => e.getAttribute('aria-live') ?? e.getAttribute('role'))(document.getElementById('count'))")
    expect(live in ("polite", "status"), "the count is not told to a screen reader")

    def shows(want, what):
        page.until(lambda: page.js("t.cards()") == want, f"{what}: not the {len(want)} samples expected", 5)
        count = page.js("document.getElementById('count').textContent")
        expect(count.startswith(f"{len(want)} of {total}"), f"{what}: the count says '{count}', {len(want)} of {total} show")
        empty = page.js("t.seen(document.getElementById('empty'))")
        expect(empty == (not want), f"{what}: the words for an empty list are {'shown' if empty else 'hidden'}")

    shows(order, "at first")
    page.js("document.getElementById('gallery')?.scrollIntoView()")
    page.picture(out / "gallery.png")
    form = "document.getElementById('filters').elements"
    for key in ("run", "level", "status"):
        options = page.js(f"[...({form}.{key}?.options ?? [])].map((o) => o.value).filter(Boolean)")
        if not options:
            tell(f"no filter by {key}")
            continue
        for value in options:
            page.js(f"t.set('{key}', {json.dumps(value)})")
            shows([c["id"] for c in cards if c.get(key) == value], f"{key} {value}")
        page.js(f"t.set('{key}', '')")
        shows(order, f"no {key}")

    def by(key, sign):
        value = lambda c: sign * float(c[key]) if c.get(key) else float("inf")  # noqa: E731
        return [c["id"] for c in sorted(cards, key=value)]

    for value, want in (("worst", by("iou", 1)), ("best", by("iou", -1)), ("harm", by("gain", 1)), ("", order)):
        if not page.js(f"[...{form}.sort.options].some((o) => o.value === '{value}')"):
            tell(f"no order {value}")
            continue
        page.js(f"t.set('sort', '{value}')")
        shows(want, f"order {value or 'of the data'}")
    query = cards[0]["words"]
    page.js(f"t.set('text', {json.dumps(query.upper())})")
    page.wait(f"t.cards().includes('{order[0]}')", f"searching for {query} does not find its sample")
    page.js("t.set('text', 'no sample has these words')")
    shows([], "a search for nothing")
    page.picture(out / "empty.png")
    page.js("document.querySelector('#filters [type=reset]').click()")
    shows(order, "reset")
    # The form does not send itself away.
    page.js(f"{form}.text.focus()")
    before = page.js("location.href")
    page.key("Enter")
    expect(page.js("location.href") == before, "Enter in the search leaves the page")
    tell(f"gallery: {total} samples filtered, sorted, searched")
    check_words(page, out)
    check_zoom(page, out)
    return None


def check_words(page, out):
    if not page.js("document.querySelector('.sample details') !== null"):
        return tell("no model's words: not checked")
    page.js("{ const s = document.querySelector('.sample summary'); s.scrollIntoView({block: 'center'}); s.focus(); }")
    details = "document.querySelector('.sample details')"
    for key, wanted in (("Enter", True), (" ", False), (" ", True)):
        page.key(key)
        expect(page.js(f"{details}.open") is wanted, f"{key!r} does not {'open' if wanted else 'close'} a sample's words")
    expect(page.js(f"t.all('pre', {details}).every((p) => t.seen(p))"), "an opened sample shows no words")
    page.picture(out / "words.png")
    page.key("Tab")
    expect(page.js(f"{FOCUSED}.matches('pre')"), "the words cannot be reached by keyboard to scroll them")
    spoilt = page.js("t.all('pre').filter((p) => p.children.length).map(t.told)")
    expect(not spoilt, f"a model's words became elements: {spoilt[:3]}")
    page.js(f"{details}.open = false")
    tell(f"words: {page.js('''t.all('pre').length''')} texts stay text")
    return None


def check_zoom(page, out):
    pictures = page.js("t.all('.sample:first-of-type .pic img').length")
    if not pictures:
        return tell("no pictures: not checked")
    opener = "document.querySelector('.pic button')"
    page.js(f"{opener}.scrollIntoView({{block: 'center'}}); {opener}.focus()")
    page.key("Enter")
    page.wait(DIALOG, "Enter on a picture does not show it in large")
    shown = "document.querySelector('dialog img')"
    page.wait(f"{shown}.naturalWidth > 0", "the large picture did not load")
    alt = page.js(f"{shown}.alt")
    expect(alt == page.js(f"{opener}.querySelector('img').alt") and alt, "the large picture is another one, or has no words")
    page.picture(out / "zoom.png")
    if pictures > 1:
        page.key("ArrowRight")
        expect(page.js(f"{shown}.alt") != alt, "the right arrow does not show the next picture")
        page.key("ArrowLeft")
        expect(page.js(f"{shown}.alt") == alt, "the left arrow does not come back")
    seen = set()
    for shift in (False, True):
        for _ in range(7):
            page.key("Tab", shift)
            kept = page.js(f"document.querySelector('dialog').contains({FOCUSED}) && {FOCUSED}.matches('button')")
            expect(kept, "the focus left the large picture")
            seen.add(page.js(f"{FOCUSED}.textContent"))
    expect(len(seen) == page.js("t.all('dialog button').length"), f"Tab reaches {sorted(seen)} alone")
    page.key("Escape")
    page.wait(f"!({DIALOG})", "Esc does not close the large picture")
    page.wait(f"{FOCUSED} === {opener}", "the focus is not given back to the picture")
    broken = page.js("""Promise.all(t.all('.pic img').map((i) => Object.assign(i, {loading: 'eager'}).decode()
        .then(() => null, () => t.told(i.closest('.sample'))))).then((list) => list.filter(Boolean))""")
    expect(not broken, f"pictures that do not load: {broken[:5]}")
    tell(f"pictures: {page.js('''t.all('.pic img').length''')} load; the large view keeps the focus and gives it back")
    return None


def check_themes(page, out, address):
    expect(page.js(LIGHTNESS) > 0.8, "the page is not light in the light scheme")
    check_contrast(page, "light")
    page.js("scrollTo(0, 0)")
    page.picture(out / "light.png")
    page.scheme("dark")
    page.open(address)
    expect(page.js(LIGHTNESS) < 0.2, "the page is not dark in the dark scheme")
    check_contrast(page, "dark")
    page.picture(out / "dark.png")
    for part in page.js("t.all('main section').map((s) => s.id)"):
        page.js(f"document.getElementById({json.dumps(part)}).scrollIntoView()")
        page.picture(out / f"dark-{part}.png")
    pressed = "document.getElementById('theme').getAttribute('aria-pressed')"
    expect(page.js(pressed) == "true", "the theme's button does not say that it is dark")
    page.js("document.getElementById('theme').focus()")
    page.key("Enter")
    expect(page.js(LIGHTNESS) > 0.8 and page.js(pressed) == "false", "the button does not make the page light")
    page.open(address)
    expect(page.js(LIGHTNESS) > 0.8, "the chosen theme is not kept")
    page.js("document.getElementById('theme').click()")
    expect(page.js(LIGHTNESS) < 0.2, "the button does not make the page dark again")
    page.js("localStorage.clear()")
    page.scheme("light")
    page.open(address)
    for part in page.js("t.all('main section').map((s) => s.id)"):
        page.js(f"document.getElementById({json.dumps(part)}).scrollIntoView()")
        page.picture(out / f"light-{part}.png")


def check_narrow(page, out, address):
    for width in (380, 320):
        page.size(width, 780, mobile=True)
        page.open(address)
        page.js("t.all('details').forEach((d) => { d.open = true; }); "
                "t.all('.sample').forEach((s) => { s.style.contentVisibility = 'visible'; })")
        across = page.js("document.documentElement.scrollWidth")
        wide = page.js(f"t.wide({width})")
        expect(across <= width and not wide, f"{across} pixels in a window of {width}: {'; '.join(wide[:6])}")
    page.size(380, 780, mobile=True)
    page.open(address)
    page.picture(out / "narrow.png")
    for part in page.js("t.all('main section').map((s) => s.id)"):
        page.js(f"document.getElementById({json.dumps(part)}).scrollIntoView()")
        page.picture(out / f"narrow-{part}.png")
    scrolling = "t.all('.scroll').filter((s) => s.scrollWidth > s.clientWidth + 1)"
    held = page.js(f"{scrolling}.length")
    if held:
        page.js(f"{{ const s = {scrolling}[0]; s.scrollIntoView({{block: 'center'}}); s.focus(); }}")
        expect(page.js(f"{FOCUSED}.matches('.scroll')"), "a wide table cannot be reached by keyboard")
        page.js(f"{FOCUSED}.scrollLeft = 120")
        stays = page.js(f"""((s, left) => {{
            const head = s.querySelector('tbody th[scope=row]');
            return !head || Math.abs(left(head) - left(s)) < 2;
        }})({FOCUSED}, (e) => e.getBoundingClientRect().left)""")
        expect(stays, "a wide table's first column does not stay in sight")
        page.picture(out / "narrow-scrolled.png")
    if page.js("document.querySelector('.pic button') !== null"):
        page.js("document.querySelector('.pic button').click()")
        page.wait(DIALOG, "no large picture at 380 pixels")
        boxes = "t.all('dialog, dialog *').map((e) => e.getBoundingClientRect())"
        expect(page.js(f"{boxes}.every((r) => r.left >= 0 && r.right <= 381)"), "the large picture is wider than 380 pixels")
        page.picture(out / "narrow-zoom.png")
        page.key("Escape")
    tell(f"380 and 320 pixels: nothing sideways; {held} tables and plots scroll by themselves")


def check_paper(page, out, address):
    page.size(1280, 900)
    page.scheme("dark")
    page.open(address)
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    page.call("Emulation.setEmulatedMedia", media="print", features=dark)
    expect(page.js(LIGHTNESS) > 0.95, "paper is not white in the dark scheme")
    expect(not page.js("t.all('.toc, .controls, .theme').some(t.seen)"), "what only a screen needs is printed")
    page.call("Emulation.setEmulatedMedia", media="")
    page.scheme("light")
    page.open(address)
    pdf = page.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
    (out / "paper.pdf").write_bytes(base64.b64decode(pdf))
    tell("paper: white, without controls (paper.pdf)")


def check_without_script(page, out, address):
    page.size(1280, 900)
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(address)
        expect(page.js("t.all('th button, .pic button, dialog').length") == 0, "JavaScript ran though it was off")
        for what, selector in (("tables", "table"), ("rows", "tbody tr"), ("samples", ".sample"), ("plots", ".plot svg")):
            hidden = page.js(f"t.all('{selector}').filter((e) => !t.seen(e)).length")
            expect(not hidden, f"without JavaScript {hidden} {what} are hidden")
        idle = page.js("t.all('button, select, input').filter(t.seen).map(t.told)")
        expect(not idle, f"without JavaScript controls show that do nothing: {idle[:4]}")
        # Not by `picture`: it waits for a frame, which the page cannot tell now.
        shot = page.call("Page.captureScreenshot", format="png")["data"]
        (out / "without-script.png").write_bytes(base64.b64decode(shot))
        if page.js("document.querySelector('.sample summary') !== null"):
            page.js("document.querySelector('.sample summary').focus()")
            page.key("Enter")
            opened = page.js("document.querySelector('.sample details').open")
            expect(opened, "without JavaScript a sample's words do not open")
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)
    tell("without JavaScript: all there to read")


def check(page, report, out):
    address = report.resolve().as_uri()
    page.size(1440, 900)
    page.scheme("light")
    page.open(address)
    check_structure(page)
    check_tables(page, out)
    check_gallery(page, out)
    page.open(address)
    check_themes(page, out, address)
    check_narrow(page, out, address)
    check_paper(page, out, address)
    check_without_script(page, out, address)
    outside = [a for a in page.asked if not a.startswith(("file:", "data:", "about:"))]
    expect(not outside, f"the page asks a network: {outside[:3]}")
    files = {a.split("#")[0] for a in page.asked if a.startswith("file:")}
    expect(files <= {address}, f"the page reads other files: {sorted(files - {address})[:3]}")
    expect(not page.errors, "the console holds errors")
    return f"{page.js('document.title')}: the report works"


def missing(report):
    return None if report.is_file() else f"no file {report}"


if __name__ == "__main__":
    sys.exit(command("check_report", __doc__, "REPORT.html", Page, check, missing))
