//! What holds for every text, whoever wrote it: shared by the tests and `fuzz/fuzz_targets/answer.rs`.

use socio_baselines::answer::{Grammar, GrammarError, MAX_OBJECTS, MAX_TEXT, Parsed, answer_text};

/// The image that the model saw.
pub(crate) const SIZE: (u32, u32) = (756, 756);

/// # Panics
/// Where one of them does not hold.
pub(crate) fn hold(text: &str) {
    for grammar in Grammar::ALL {
        let parsed = grammar.parse(text, SIZE);
        same(&parsed, &grammar.parse(text, SIZE), "the same text, the same answer", text);
        let drawn = grammar.drawn(text, SIZE);
        assert!(drawn.len() <= MAX_OBJECTS, "{grammar} draws {} boxes", drawn.len());
        if text.len() > MAX_TEXT {
            assert!(drawn.is_empty() && matches!(parsed, Err(GrammarError::Long(_))), "{grammar} takes a long text");
        }
        match &parsed {
            Ok(parsed) => {
                let found = parsed.objects.len() + parsed.dropped.len();
                assert!(found <= MAX_OBJECTS, "{grammar} finds {found}");
                assert!(
                    parsed.objects.iter().all(|o| o.bbox.is_some() || o.has_points()),
                    "{grammar}: prompts nothing"
                );
                parsed.dropped.iter().for_each(|why| message(why, 200));
            }
            Err(error) => message(&error.to_string(), 2000),
        }
    }
    if text.len() <= MAX_TEXT {
        tags(text);
    }
    if let Ok(strict) = Grammar::Strict.parse(text, SIZE) {
        strictly(text, &strict);
    }
}

/// Messages are shown in terminals and kept in records: short, and nothing of a model's making that steers a terminal.
fn message(why: &str, most: usize) {
    assert!((1..most).contains(&why.len()), "a message of {} bytes: {why:.300}", why.len());
    // Marks that turn the direction of writing are no control characters to Unicode.
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!why.contains(steers), "a control character in a message: {why:?}");
}

/// Only what stands between the tags counts.
fn tags(text: &str) {
    let inside = answer_text(text);
    if let Some(inside) = inside {
        assert!(!inside.contains("</answer>") && inside.trim() == inside, "tags or blanks in {inside:?}");
    }
    let alone = inside.map(|inside| format!("<answer>{inside}</answer>"));
    let whole = |g: Grammar| g.parse(text, SIZE);
    for grammar in [Grammar::Socioreasoner, Grammar::VisionReasoner, Grammar::SamR1] {
        match &alone {
            Some(alone) => same(&whole(grammar), &grammar.parse(alone, SIZE), "without the thinking", text),
            None => assert!(matches!(whole(grammar), Err(GrammarError::Tags(_))), "{grammar} reads {text:.2000?}"),
        }
    }
}

/// What the strict grammar takes is as the prompt asks, and everyone who reads the same format reads the same.
fn strictly(text: &str, strict: &Parsed) {
    let (width, height) = (f64::from(SIZE.0), f64::from(SIZE.1));
    assert!(strict.dropped.is_empty(), "strict leaves out {:?}", strict.dropped);
    let mut boxes = Vec::new();
    let mut written = Vec::new();
    for object in &strict.objects {
        let corners: [f64; 4] = object.bbox.map_or([f64::NAN; 4], Into::into);
        let [x0, y0, x1, y1] = corners;
        let inside = 0.0 <= x0 && x0 < x1 && x1 <= width && 0.0 <= y0 && y0 < y1 && y1 <= height;
        assert!(inside, "strict takes the box {corners:?}");
        assert!(object.background.is_empty(), "strict takes points beside the object");
        for point in &object.points {
            let inside = (x0..=x1).contains(&point.x) && (y0..=y1).contains(&point.y);
            assert!(inside, "strict takes {point:?} for the box {corners:?}");
        }
        let points: Vec<[f64; 2]> = object.points.iter().map(|p| [p.x, p.y]).collect();
        written.push(format!("{{\"bbox_2d\": {corners:?}, \"points\": {points:?}}}"));
        boxes.push(corners);
    }
    let strict = Ok(strict.clone());
    same(&Grammar::Socioreasoner.parse(text, SIZE), &strict, "socioreasoner as strict", text);
    for grammar in [Grammar::Socioreasoner, Grammar::Strict] {
        assert_eq!(grammar.drawn(text, SIZE), boxes, "{grammar} draws what strict takes");
    }
    let written = format!("<answer>[{}]</answer>", written.join(", "));
    if written.len() <= MAX_TEXT {
        same(&Grammar::Strict.parse(&written, SIZE), &strict, "written again and read again", text);
    }
}

/// Equal, a number that is none being equal to itself.
fn same(a: &Result<Parsed, GrammarError>, b: &Result<Parsed, GrammarError>, what: &str, text: &str) {
    let equal = a == b || format!("{a:?}") == format!("{b:?}");
    assert!(equal, "{what}: {a:?} is not {b:?}, from {:?}", text.chars().take(2000).collect::<String>());
}
