//! What the tests of every figure ask: is it well-formed, and does its text stand clear.

/// Texts that mean harm, and awkward ones.
pub(super) fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "<script>alert(1)</script>",
        "\"><svg onload='x'>",
        "]]> <!-- & &amp; &#0; --",
        "\u{0}\u{1b}[31m\n\r\t\u{7f}\u{85}\u{fffe}\u{ffff}",
        "\u{202e}reversed\u{2066}",
        "住宅小区与商业服务设施用地及其附属建筑物",
        "👩‍👩‍👧‍👦 family",
        "Home Furnishing and Building Materials Market",
        "</desc>\n</title></svg>",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("long ".repeat(4000));
    texts.push("W".repeat(20_000));
    texts.push("e\u{301}\u{302}\u{303}".repeat(500));
    texts
}

/// Numbers that mean harm.
pub(super) const NUMBERS: [f64; 12] =
    [0.0, -0.0, 1.0, -5.0, 42.0, 1e-300, 1e300, -1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE];

/// One element's start.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl Tag<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }
}

/// Tags that balance, with the text after each start; panics where they do not.
fn parse(xml: &str) -> Vec<(Tag<'_>, &str)> {
    let (mut tags, mut open, mut rest) = (Vec::new(), Vec::new(), xml);
    while let Some((text, after)) = rest.split_once('<') {
        entities(text);
        assert!(!open.is_empty() || text.trim().is_empty(), "text outside the root: {text}");
        let (inside, after) = after.split_once('>').expect("a tag that ends");
        rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed in order");
            continue;
        }
        let (inside, alone) = inside.strip_suffix('/').map_or((inside, false), |i| (i, true));
        let (name, mut list) = inside.split_once(' ').unwrap_or((inside, ""));
        assert!(name.bytes().all(|b| b.is_ascii_alphabetic()), "a name: {name}");
        assert!(!open.is_empty() || tags.is_empty(), "one root");
        let mut attributes = Vec::new();
        while !list.trim().is_empty() {
            let (key, after) = list.split_once("=\"").expect("an attribute with quotes");
            let (value, after) = after.split_once('"').expect("quotes that end");
            entities(value);
            let key = key.trim();
            assert!(
                !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
                "an attribute: {key}"
            );
            assert!(attributes.iter().all(|(k, _)| *k != key), "{key} once");
            attributes.push((key, value));
            list = after;
        }
        if !alone {
            open.push(name);
        }
        tags.push((Tag { name, attributes }, rest.split('<').next().unwrap_or("")));
    }
    assert!(rest.trim().is_empty() && open.is_empty() && !tags.is_empty(), "all closed");
    tags
}

/// No `&` but those of the five entities.
fn entities(text: &str) {
    for after in text.split('&').skip(1) {
        assert!(["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|e| after.starts_with(e)), "&{after}");
    }
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n') && !text.contains(['\u{fffe}', '\u{ffff}', '\u{202e}'])
    );
}

/// Panics unless it is one well-formed element that holds nothing but drawing, whose ids are its own and whose numbers
/// are numbers.
pub(super) fn sound(svg: &str) {
    let tags = parse(svg);
    let known = ["svg", "title", "desc", "style", "g", "line", "rect", "path", "circle", "text"];
    let mut ids: Vec<&str> = Vec::new();
    for (tag, _) in &tags {
        assert!(known.contains(&tag.name), "<{}>", tag.name);
        for (key, value) in &tag.attributes {
            assert!(!key.starts_with("on") && !value.contains("NaN") && !value.contains("inf"), "{key}={value}");
        }
        if let Some(id) = tag.get("id") {
            assert!(id.starts_with("fig-") || id.starts_with('f'), "{id}");
            assert!(!ids.contains(&id), "{id} twice");
            ids.push(id);
        }
    }
    let root = &tags[0].0;
    assert_eq!((root.name, root.get("role"), tags[1].0.name, tags[2].0.name), ("svg", Some("img"), "title", "desc"));
    assert!(root.get("aria-labelledby").unwrap().split(' ').all(|id| ids.contains(&id)));
}

/// The boxes that texts take, as the figures measure them, with their words.
fn boxes(svg: &str) -> Vec<([f64; 4], String)> {
    let mut boxes = Vec::new();
    for (tag, text) in parse(svg).iter().filter(|(t, _)| t.name == "text") {
        let of = |name| tag.get(name).unwrap().parse::<f64>().unwrap();
        let text = ["&lt;<", "&gt;>", "&quot;\"", "&#39;'", "&amp;&"].iter().fold((*text).to_owned(), |t, pair| {
            let (entity, plain) = pair.split_at(pair.len() - 1);
            t.replace(entity, plain)
        });
        let (size, mut wide) = (of("font-size"), super::text::width(&text, of("font-size")));
        if tag.get("font-weight").is_some() {
            wide *= 1.1;
        }
        let left = match tag.get("text-anchor") {
            Some("end") => of("x") - wide,
            Some("middle") => of("x") - wide / 2.0,
            _ => of("x"),
        };
        // From the foot up to the capitals' height.
        boxes.push(([left, of("y") - 0.72 * size, left + wide, of("y") + 0.05 * size], text));
    }
    boxes
}

/// Panics where text leaves the figure or meets other text.
pub(super) fn laid_out(svg: &str) {
    let tags = parse(svg);
    let view: Vec<f64> = tags[0].0.get("viewBox").unwrap().split(' ').map(|v| v.parse().unwrap()).collect();
    let boxes = boxes(svg);
    for (i, ([left, top, right, foot], text)) in boxes.iter().enumerate() {
        let inside = *left >= -0.1 && *top >= -0.1 && *right <= view[2] + 0.1 && *foot <= view[3] + 0.1;
        assert!(inside, "outside: {text} at {left} {top} {right} {foot} of {view:?}");
        for ([l, t, r, f], other) in &boxes[i + 1..] {
            let apart = right <= l || r <= left || foot <= t || f <= top;
            assert!(apart, "{text} meets {other} at {left} {top} {right} {foot} and {l} {t} {r} {f}");
        }
    }
}

#[test]
fn the_checker_checks() {
    let bad =
        ["<svg>", "<svg><g></svg></g>", "<svg a=1/>", "<svg>&x;</svg>", "<svg/><svg/>", "<svg a=\"1\" a=\"2\"/>", "x"];
    for xml in bad {
        assert!(std::panic::catch_unwind(|| parse(xml)).is_err(), "{xml}");
    }
    assert_eq!(parse("<svg a=\"1\"><g b=\"2\"/>t</svg>").len(), 2);
    let text = |x, y| format!("<text x=\"{x}\" y=\"{y}\" font-size=\"10\">words</text>");
    let with = |b: String| format!("<svg viewBox=\"0 0 100 50\">{}{b}</svg>", text(10, 20));
    laid_out(&with(text(10, 40)));
    assert!(std::panic::catch_unwind(|| laid_out(&with(text(20, 20)))).is_err());
    assert!(std::panic::catch_unwind(|| laid_out(&with(text(90, 40)))).is_err());
}
