"""A pull request's comment as GitHub's own Markdown renderer sees it, as a picture.

    python ci/check_comment.py COMMENT.md OUT.png

with cmarkgfm (pip; GitHub's renderer) and websocket-client, and a Chromium. Checked: below GitHub's limit, the marker is its
first line, tables and folds become what they should, and no text of a run has become markup.
"""

import sys
import tempfile
from pathlib import Path

import cmarkgfm
from cmarkgfm.cmark import Options

from check_gallery import Browser, expect

STYLE = """body{font:16px/1.5 sans-serif;max-width:1012px;margin:24px auto;color:#1f2328}table{border-collapse:collapse}
td,th{border:1px solid #d1d9e0;padding:6px 13px}tr:nth-child(2n){background:#f6f8fa}summary{cursor:pointer}"""


def main():
    text = Path(sys.argv[1]).read_text()
    expect(len(text.encode()) < 60_000, "above 60,000 bytes")
    first = text.splitlines()[0]
    expect(first.startswith("<!-- socio-bench check: ") and first.endswith(" -->"), f"no marker: {first}")
    html = cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE)
    expect(html.count("<table>") == text.count("\n| ---") + text.count("\n|---"), "a table did not become one")
    expect(html.count("<details>") == html.count("</details>") == text.count("<details>"), "a fold is not closed")
    for tag in ("<script", "<img", "<iframe", "<b>"):
        expect(tag not in html, f"{tag} in the comment")
    with tempfile.NamedTemporaryFile("w", suffix=".html", delete=False) as page:
        page.write(f"<meta charset=utf-8><style>{STYLE}</style>{html.replace('<details>', '<details open>', 1)}")
    with Browser() as browser:
        browser.size(1100, 1700)
        browser.call("Page.navigate", url=Path(page.name).as_uri())
        browser.wait("document.readyState === 'complete' && document.querySelector('h2') !== null", "it did not load")
        browser.picture(Path(sys.argv[2]))
    print(f"{sys.argv[2]}: {len(text.encode())} bytes, {html.count('<table>')} tables")


main()
