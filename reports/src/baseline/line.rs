//! One sample of a baseline as one line.

use std::fmt::Write;
use std::str::FromStr;

use socio_dataset::{Counts, Level};
use socio_record::{Matches, Rule, Score, Status};

use crate::digest::{Digest, Entry, Word};

/// So much of the hash of a sample's inputs is kept: enough to see a change.
const INPUTS: usize = 8;
/// The rules whose counts are written; those of the whole mask follow from its areas.
const RULES: [Rule; 3] = [Rule::Components, Rule::ContourBoxes, Rule::Emitted];
/// What stands for nothing.
const NONE: &str = "-";

/// The line of an entry. The id comes last: it may hold anything.
pub(super) fn write(digest: &Digest, at: usize) -> String {
    let entry = &digest.entries[at];
    let word = |w: Option<Word>| w.map_or(NONE.to_owned(), |w| w.to_string());
    let level = entry.level.map_or(NONE, Level::prefix);
    let inputs = entry.inputs.as_ref().map_or(NONE, |i| i.get(..INPUTS).unwrap_or(i));
    let mut line = format!(
        "{level} {} {inputs} {} {} {} {}",
        entry.status.label().replace(' ', "_"),
        entry.scene,
        word(entry.class),
        word(entry.function),
        word(entry.region)
    );
    match &entry.score {
        None => line.push_str(" -"),
        Some(s) => {
            let _ = write!(
                line,
                " {} {} {} {}",
                s.counts.intersection,
                s.truth_area,
                s.predicted_area,
                u8::from(s.resized)
            );
            for rule in RULES {
                let m = s.matches(rule);
                let _ = write!(line, " {}/{}/{}", m.matched, m.predicted, m.truth);
            }
        }
    }
    match digest.phases.seconds("total", at) {
        Some(seconds) => _ = write!(line, " {seconds:.6}"),
        None => line.push_str(" -"),
    }
    line.push(' ');
    line.push_str(&entry.id);
    line
}

/// Adds the entry of a line.
pub(super) fn read(digest: &mut Digest, line: &str) -> Result<(), String> {
    let mut rest = line;
    let mut next = |what: &str| {
        let (field, behind) = rest.split_once(' ').ok_or_else(|| format!("ends before its {what}"))?;
        rest = behind;
        Ok::<&str, String>(field)
    };
    let level = match next("level")? {
        NONE => None,
        prefix => Some(prefix.parse().map_err(|e| format!("{e}"))?),
    };
    let ended = next("status")?.replace('_', " ");
    let status =
        Status::ALL.into_iter().find(|s| s.label() == ended).ok_or_else(|| format!("unknown status `{ended}`"))?;
    let inputs = Some(next("inputs")?).filter(|i| *i != NONE).map(Into::into);
    let words = digest.words.len();
    let mut word = |what: &str| match next(what)? {
        NONE => Ok(None),
        field => {
            let word: Word = number(field, what)?;
            if (word as usize) < words { Ok(Some(word)) } else { Err(format!("its {what} {word} is no word")) }
        }
    };
    let scene = word("scene")?.ok_or("it has no scene")?;
    let (class, function, region) = (word("class")?, word("function")?, word("region")?);
    let score = match next("intersection")? {
        NONE => None,
        field => Some(score(number(field, "intersection")?, &mut next)?),
    };
    let seconds: Option<f64> = match next("seconds")? {
        NONE => None,
        field => Some(number(field, "seconds")?).filter(|s: &f64| s.is_finite() && *s >= 0.0),
    };
    if rest.is_empty() {
        return Err("it has no id".to_owned());
    }
    if let Some(seconds) = seconds {
        digest.phases.push(digest.entries.len(), &[("total".to_owned(), seconds)].into());
    }
    digest.entries.push(Entry {
        id: rest.into(),
        inputs,
        level,
        scene,
        class,
        function,
        region,
        status,
        score,
        size: None,
        first: None,
        tokens: None,
        when: None,
    });
    Ok(())
}

fn score<'a>(intersection: u64, next: &mut impl FnMut(&str) -> Result<&'a str, String>) -> Result<Score, String> {
    let (truth_area, predicted_area): (u64, u64) =
        (number(next("truth area")?, "truth area")?, number(next("predicted area")?, "predicted area")?);
    let resized = match next("resized")? {
        "0" => false,
        "1" => true,
        other => return Err(format!("`{other}` is no resized: expected 0 or 1")),
    };
    let mut instances = [Matches::default(); 4];
    for rule in RULES {
        let field = next(rule.label())?;
        let parts: Vec<u64> = field.split('/').map(|p| number(p, rule.label())).collect::<Result<_, _>>()?;
        let [matched, predicted, truth] = parts[..] else {
            return Err(format!("`{field}` is no matched/predicted/truth of {}", rule.label()));
        };
        if matched > predicted.min(truth) {
            return Err(format!("`{field}` matches more {} than there are", rule.label()));
        }
        instances[rule as usize] = Matches { matched, predicted, truth };
    }
    let union = (truth_area.checked_add(predicted_area)).and_then(|sum| sum.checked_sub(intersection));
    let union = union.filter(|_| intersection <= truth_area.min(predicted_area));
    let counts = Counts { intersection, union: union.ok_or("its intersection is larger than one of its areas")? };
    instances[Rule::WholeMask as usize] = Matches {
        matched: u64::from(counts.iou().is_some_and(|iou| iou > 0.5)),
        predicted: u64::from(predicted_area > 0),
        truth: u64::from(truth_area > 0),
    };
    Ok(Score { counts, truth_area, predicted_area, resized, instances })
}

fn number<T: FromStr>(field: &str, what: &str) -> Result<T, String> {
    field.parse().map_err(|_| format!("`{field}` is no {what}"))
}
