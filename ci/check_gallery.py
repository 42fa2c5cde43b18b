"""Does a gallery written by socio-bench work in a browser, opened from disk?

    python ci/check_gallery.py GALLERY OUT

with websocket-client 1.9.2 (pip) and a Chromium (Debian's package `chromium`; another one: $CHROMIUM). GALLERY holds
index.html and the images; screenshots go to OUT. Checked: nothing is asked of a network and the console holds no error; cards,
their pictures and the rest of the grid on scrolling; search and filters with their count, the empty state, an address
that is opened anew; the detail view (slider by keyboard and mouse, mask, side by side, zoom, next and previous, focus kept
inside and given back, Esc); light and dark; 380 pixels wide. Exit code 1 with what failed.
"""

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import websocket

KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "PageUp": 33, "Escape": 27, "Enter": 13, "Tab": 9}


class Failed(Exception):
    pass


def expect(condition, message):
    if not condition:
        raise Failed(message)


class Browser:
    """A headless Chromium with one page, over the DevTools protocol."""

    def __enter__(self):
        names = [os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
        program = next((p for p in (shutil.which(n) for n in names if n) if p), None)
        expect(program, "no Chromium found: install one, or name it in $CHROMIUM")
        self.home = tempfile.mkdtemp(prefix="check-gallery-")
        flags = ["--headless", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--remote-debugging-port=0"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            flags.append("--no-sandbox")
        self.process = subprocess.Popen(
            [program, *flags, f"--user-data-dir={self.home}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            self._connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _connect(self):
        told = Path(self.home, "DevToolsActivePort")
        self.until(lambda: told.is_file() and told.read_text().strip(), "the browser did not start", 60)
        port = told.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
            page = next(t for t in json.load(answer) if t["type"] == "page")
        self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=60, suppress_origin=True)
        self.calls, self.errors, self.asked = 0, [], []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __exit__(self, *_):
        if hasattr(self, "socket"):
            self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def call(self, method, **parameters):
        self.calls += 1
        call = self.calls
        self.socket.send(json.dumps({"id": call, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == call:
                expect("error" not in message, f"{method}: {message.get('error')}")
                return message["result"]
            self._event(message.get("method"), message.get("params", {}))

    def _event(self, method, p):
        if method == "Runtime.exceptionThrown":
            details = p["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(a.get("value", a.get("description"))) for a in p["args"]))
        elif method == "Log.entryAdded" and p["entry"]["level"] == "error":
            self.errors.append(f"{p['entry']['text']} {p['entry'].get('url', '')}".strip())
        elif method == "Network.requestWillBeSent":
            self.asked.append(p["request"]["url"])

    def js(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        expect("exceptionDetails" not in result, f"{expression}: {result.get('exceptionDetails')}")
        return result["result"].get("value")

    def until(self, condition, message, seconds=15):
        end = time.monotonic() + seconds
        while not condition():
            expect(time.monotonic() < end, message)
            time.sleep(0.05)

    def wait(self, expression, message, seconds=15):
        self.until(lambda: self.js(expression), message, seconds)

    def open(self, address):
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)
        ready = "document.readyState === 'complete' && document.getElementById('count') !== null"
        self.wait(ready, f"{address} did not load", 60)

    def size(self, width, height, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def scheme(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
        ])

    def key(self, key, shift=False):
        code = KEYS.get(key) or ord(key.upper())
        event = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        if len(key) == 1:
            event["text"] = key
        elif key == "Enter":
            event["text"] = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def mouse(self, kind, x, y):
        pressed = 0 if kind == "mouseReleased" else 1
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=pressed, clickCount=1)

    def drag(self, x0, x1, y):
        self.mouse("mousePressed", x0, y)
        for step in range(1, 6):
            self.mouse("mouseMoved", x0 + (x1 - x0) * step / 5, y)
        self.mouse("mouseReleased", x1, y)

    def panes(self):
        """What the two images' place shows, without the slider's handle and the buttons around."""
        rect = self.js(f"document.getElementById('handle').style.opacity = 0; {PANES}")
        clip = dict(zip(("x", "y", "width", "height"), rect), scale=1)
        before, picture = None, self.picture(clip=clip)
        for _ in range(20):  # until it stands: pictures may be drawn finer a few frames later
            before, picture = picture, self.picture(clip=clip)
            if before == picture:
                break
        self.js("document.getElementById('handle').style.opacity = ''")
        return picture

    def picture(self, file=None, **only):
        # Two frames, so that what was just changed is painted.
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
        picture = base64.b64decode(self.call("Page.captureScreenshot", format="png", **only)["data"])
        if file:
            file.write_bytes(picture)
        return picture


SEEN = "document.querySelectorAll('#grid .card').length"
COUNT = "Number(document.querySelector('#count strong').textContent.replace(/[^0-9]/g, ''))"
OPEN = "document.getElementById('detail').open"
SLIDER = "Number(document.getElementById('handle').getAttribute('aria-valuenow'))"
SHOWN_ID = "new URLSearchParams(location.hash.slice(1)).get('id')"
LOADED = "[...document.querySelectorAll('#panes img')].every((i) => i.complete && i.naturalWidth > 0)"
MASK = "Object.assign(new Image(), {src: document.querySelector('#panes image').getAttribute('href')})"
LIGHTNESS = (
    "getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 765"
)
PANES = "(r => [r.x, r.y, r.width, r.height])(document.getElementById('panes').getBoundingClientRect())"
BOXES = "[...document.querySelectorAll('.pane')].map((p) => p.getBoundingClientRect())"
ACROSS = f"(([a, b]) => a.right <= b.left || a.bottom <= b.top)({BOXES})"
PARTS = "[...document.querySelectorAll('dialog, dialog button, .panes')]"
INSIDE = f"{PARTS}.every((e) => e.getBoundingClientRect().right <= innerWidth + 1)"
NO_SIDEWAYS = "document.documentElement.scrollWidth <= innerWidth"


def click(page, selector):
    page.js(f"document.querySelector({json.dumps(selector)}).click()")


def type_query(page, text):
    field = "document.getElementById('q')"
    page.js(f"{field}.value = {json.dumps(text)}; {field}.dispatchEvent(new Event('input', {{bubbles: true}}))")


def check_grid(page, out, total):
    page.wait(f"{SEEN} > 0", "no card shows")
    expect(page.js(COUNT) == total, f"the page counts {page.js(COUNT)} samples, its data hold {total}")
    page.wait("document.querySelector('#grid img').naturalWidth > 0", "the first thumbnail did not load")
    page.picture(out / "grid.png")
    first_slice = page.js(SEEN)
    seen = first_slice
    while seen < total:
        page.js("scrollTo(0, document.documentElement.scrollHeight)")
        page.wait(f"{SEEN} > {seen}", f"scrolling to the end shows {seen} cards of {total}")
        seen = page.js(SEEN)
    expect(seen == total, f"{seen} cards for {total} samples")
    page.js("scrollTo(0, 0)")
    return first_slice


def check_filters(page, out, address, total):
    name = page.js("document.querySelector('#grid .card').dataset.id")
    if total > 1:
        type_query(page, name)
        page.wait(f"{COUNT} < {total} && {COUNT} > 0", f"searching for {name} does not reduce the count")
        expect(page.js(SEEN) == page.js(COUNT), "the cards are not as many as the count says")
        expect(not page.js("document.getElementById('reset').hidden"), "no reset is offered")
        click(page, "#reset")
        page.wait(f"{COUNT} === {total}", "reset does not bring all samples back")
    facets = page.js("[...document.querySelectorAll('#filters [data-facet]')].map((f) => f.dataset.facet)")
    for facet in facets:
        page.js(f"""{{
            const f = document.querySelector('#filters [data-facet="{facet}"]');
            if (f.tagName === 'SELECT') {{ f.value = '0'; f.dispatchEvent(new Event('change')); }}
            else f.querySelector('button').click();
        }}""")
        left = page.js(COUNT)
        expect(0 < left < total, f"the filter {facet} leaves {left} of {total}")
        if facet == facets[0]:
            page.picture(out / "filtered.png")
            link = page.js("location.hash")
            page.open(address + link)
            expect(page.js(COUNT) == left, f"opened anew, {link} shows {page.js(COUNT)} samples, not {left}")
        click(page, "#reset")
    type_query(page, "no sample has this query")
    page.wait("document.getElementById('empty').hidden === false", "no empty state")
    page.picture(out / "empty.png")
    click(page, "#empty-reset")
    page.wait(f"{COUNT} === {total}", "the empty state's reset does not bring all samples back")
    return facets


def check_detail(page, out, samples):
    name = page.js("document.querySelector('#grid .card').dataset.id")
    page.js("document.querySelector('#grid .card').focus()")
    page.key("Enter")
    page.wait(OPEN, "Enter on a card does not open the detail view")
    expect(page.js(SHOWN_ID) == name, f"the address names {page.js(SHOWN_ID)}, not {name}")
    page.wait(LOADED, f"satellite image and map of {name} did not load")
    expect(page.js(f"{MASK}.decode().then(() => true, () => false)"), f"the mask of {name} did not load")
    page.picture(out / "detail.png")

    page.js("document.getElementById('handle').focus()")
    page.key("End")
    page.key("m")
    bare = page.panes()
    page.key("m")
    if samples[name]["box"]:
        expect(page.panes() != bare, "no mask is drawn")
    page.key("m")
    expect(page.panes() == bare, "m does not take the mask away")
    page.key("m")
    page.key("Home")
    page.key("PageUp")
    at = page.js(SLIDER)
    page.key("ArrowRight")
    expect(page.js(SLIDER) > at, f"the slider stays at {at} on the right arrow")
    page.key("Home")
    expect(page.js(SLIDER) == 0, "Home does not bring the slider to 0")
    page.picture(out / "detail-map.png")
    all_map = page.panes()
    page.key("End")
    expect(page.js(SLIDER) == 100, "End does not bring the slider to 100")
    expect(page.panes() != all_map, "the slider does not change what is seen")
    expect(page.js(SHOWN_ID) == name, "an arrow on the slider changed the sample")
    x, y, w, h = page.js(PANES)
    page.drag(x + w * 0.95, x + w * 0.3, y + h / 2)
    expect(abs(page.js(SLIDER) - 30) <= 2, f"dragged to 30, the slider is at {page.js(SLIDER)}")

    page.key("s")
    page.picture(out / "detail-side.png")
    side = page.panes()
    expect(page.js(ACROSS), "s does not put the pictures side by side")
    page.key("z")
    if not page.js("document.getElementById('b-zoom').disabled"):
        page.picture(out / "detail-zoom.png")
        expect(page.panes() != side, "z does not zoom to the mask")
    page.key("z")
    page.key("s")
    expect(not page.js(ACROSS), "a second s does not bring the slider back")

    if len(samples) > 1:
        page.js("document.getElementById('d-title').focus()")
        page.key("ArrowRight")
        expect(page.js(SHOWN_ID) != name, "the right arrow does not show the next sample")
        page.key("ArrowLeft")
        page.key("j")
        page.key("k")
        expect(page.js(SHOWN_ID) == name, "left arrow, j and k do not come back to the first sample")
    for _ in range(25):
        page.key("Tab")
        kept = page.js("document.getElementById('detail').contains(document.activeElement)")
        expect(kept, "the focus left the open detail view")
    page.key("Escape")
    page.wait(f"!{OPEN}", "Esc does not close the detail view")
    page.wait(f"{SHOWN_ID} === null", "after closing, the address still names a sample")
    focused = page.js("document.activeElement.dataset.id")
    expect(focused == name, f"after closing, the focus is on {focused}, not on the card {name}")
    return name


def check_themes(page, out, address, name):
    expect(page.js(LIGHTNESS) > 0.8, "the page is not light in the light scheme")
    page.scheme("dark")
    page.open(address)
    expect(page.js(LIGHTNESS) < 0.2, "the page is not dark in the dark scheme")
    page.wait("document.querySelector('#grid img').naturalWidth > 0", "no thumbnail in the dark scheme")
    page.picture(out / "dark.png")
    page.open(f"{address}#id={name}")
    page.wait(OPEN, f"#id={name} does not open the sample")
    page.wait(LOADED, "the pictures of a deep link did not load")
    page.picture(out / "dark-detail.png")
    page.key("Escape")
    page.wait(f"!{OPEN}", "Esc does not close a deep link's detail view")
    click(page, "#theme")
    expect(page.js(LIGHTNESS) > 0.8, "the toggle does not make the page light")
    page.js("localStorage.clear()")
    page.scheme("light")


def check_narrow(page, out, address, name):
    page.size(380, 780, mobile=True)
    page.open(address)
    page.wait(f"{SEEN} > 0", "no card shows at 380 pixels")
    expect(page.js(NO_SIDEWAYS), "the page scrolls sideways at 380 pixels")
    page.picture(out / "narrow.png")
    page.open(f"{address}#id={name}")
    page.wait(OPEN, "the detail view does not open at 380 pixels")
    page.wait(LOADED, "the pictures did not load at 380 pixels")
    expect(page.js(NO_SIDEWAYS) and page.js(INSIDE), "the detail view is wider than 380 pixels")
    page.picture(out / "narrow-detail.png")


def check(page, gallery, out):
    address = (gallery / "index.html").resolve().as_uri()
    page.size(1440, 900)
    page.scheme("light")
    page.open(address)
    try:
        samples = {s["id"]: s for s in json.loads(page.js("document.getElementById('data').textContent"))["samples"]}
    except (ValueError, TypeError, KeyError) as error:
        raise Failed(f"the page's data are not a gallery's: {error}") from None
    total = len(samples)
    expect(total, "the gallery holds no samples")
    first_slice = check_grid(page, out, total)
    facets = check_filters(page, out, address, total)
    name = check_detail(page, out, samples)
    check_themes(page, out, address, name)
    check_narrow(page, out, address, name)
    outside = [a for a in page.asked if not a.startswith(("file:", "data:", "about:"))]
    expect(not outside, f"the page asks a network: {outside[:3]}")
    expect(not page.errors, "the console holds errors")
    return f"{total} samples ({first_slice} cards at first), filters {', '.join(facets) or 'none'}: the gallery works"


def command(name, about, what, browser, check, missing):
    """A check's command line: `missing` says of what was given why it cannot be checked, or nothing. The exit code."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("given", type=Path, metavar=what)
    parser.add_argument("out", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        why = missing(arguments.given)
        expect(not why, why)
        with browser() as page:
            try:
                print(check(page, arguments.given, arguments.out))
            except Failed as failure:
                try:
                    page.picture(arguments.out / "failed.png")
                except Exception:  # the browser is gone: what failed is told all the same
                    pass
                told = "".join(f"\n  console: {e}" for e in dict.fromkeys(page.errors))
                raise Failed(f"{failure}{told}") from None
    except (Failed, OSError, websocket.WebSocketException) as failure:
        print(f"{name}: {failure}", file=sys.stderr)
        return 1
    return 0


def missing(gallery):
    return None if (gallery / "index.html").is_file() else f"{gallery} holds no index.html"


if __name__ == "__main__":
    sys.exit(command("check_gallery", __doc__, "GALLERY", Browser, check, missing))
