//! The comment on a pull request: what decided, the gates, and the rest folded away.

use super::words::{change, headline, tables};
use crate::compare::{Check, Measure};
use crate::metrics::Metric;
use crate::table::{Format, escape_markdown, printed, render};

/// GitHub refuses a comment above 65,536 characters; this is in bytes and leaves room for the caller's own words.
pub const MARKDOWN_LIMIT: usize = 60_000;

/// Classes at most, those that lost most first.
const CLASSES: usize = 40;
/// Letters of a line at most.
const LINE: usize = 400;
/// Sentences at most, before the tables.
const SHOWN: usize = 20;

/// The comment. Its first line is a marker with `name`, by which the next comment finds this one and takes its place.
pub fn markdown(check: &Check, name: &str) -> String {
    let (_, verdict) = check.verdict();
    let name: String = name.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).take(80).collect();
    let sign = if verdict == "passed" { "✅" } else { "❌" };
    let mut out = format!("<!-- socio-bench check: {name} -->\n## {sign} socio-bench: {verdict}\n\n");
    let lines = headline(check);
    for line in lines.iter().take(SHOWN) {
        let mut parts = line.lines().map(|l| escape_markdown(&cut(l)));
        out.push_str(&format!("- {}\n", parts.next().unwrap_or_default()));
        out.extend(parts.map(|p| format!("  - {p}\n")));
    }
    if lines.len() > SHOWN {
        out.push_str(&format!("- and {} more\n", lines.len() - SHOWN));
    }
    out.push('\n');
    let mut left_out = 0;
    let mut fold = |out: &mut String, summary: &str, body: String| {
        let section = format!("<details><summary>{summary}</summary>\n\n{body}\n</details>\n\n");
        // Room for the end.
        if out.len() + section.len() + 600 < MARKDOWN_LIMIT { out.push_str(&section) } else { left_out += 1 }
    };
    let gates = tables(check, true);
    if !gates.is_empty() {
        let text = render(&gates, Format::Markdown);
        if out.len() + text.len() + 600 < MARKDOWN_LIMIT / 2 {
            out.push_str(&text);
            out.push('\n');
        } else {
            fold(&mut out, "Limits", text);
        }
    }
    for table in tables(check, false) {
        let summary = format!("All measures: {}", html(&cut(&table.title)));
        fold(&mut out, &summary, render(&[table], Format::Markdown));
    }
    for (run, c) in check.comparisons() {
        if !c.losers.is_empty() {
            let mut body = "| Sample | class | IoU before | IoU after | ended |\n|---|---|---:|---:|---|\n".to_owned();
            for m in &c.losers {
                body.push_str(&format!(
                    "| {} | {} | {} | {} | {} |\n",
                    escape_markdown(&m.id),
                    escape_markdown(m.class.as_deref().unwrap_or("")),
                    printed(m.before),
                    printed(m.after),
                    m.status
                ));
            }
            fold(&mut out, &format!("Samples that lost most: {}", html(&cut(&run.name))), body);
        }
        let moved: Vec<_> = c.classes.iter().filter(|c| c.4.value.abs() >= 0.05).collect();
        if !moved.is_empty() {
            let more = moved.len().saturating_sub(CLASSES);
            let mut body = "| Class | n | gIoU before | after | difference |\n|---|---:|---:|---:|---|\n".to_owned();
            for (class, n, before, after, difference) in moved.into_iter().take(CLASSES) {
                body.push_str(&format!(
                    "| {} | {n} | {} | {} | {} |\n",
                    escape_markdown(class),
                    printed(*before),
                    printed(*after),
                    change(Measure::Metric(Metric::Giou), difference)
                ));
            }
            if more > 0 {
                body.push_str(&format!("\nand {more} more, in the JSON of this check\n"));
            }
            fold(&mut out, &format!("By class: {}", html(&cut(&run.name))), body);
        }
    }
    if left_out > 0 {
        out.push_str(&format!("{left_out} tables did not fit here: they are in the JSON of this check.\n\n"));
    }
    let limits = if check.limits.is_empty() { "none".to_owned() } else { check.limits.join(", ") };
    out.push_str(&format!(
        "<sub>Limits: {}. A change that is meant: `socio-bench baseline save RUN... --out BASELINE`, committed with it.</sub>\n",
        escape_markdown(&limits)
    ));
    out
}

/// A line that is not too long to read.
fn cut(line: &str) -> String {
    let short: String = line.chars().take(LINE).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}

/// Text within an HTML element.
fn html(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
