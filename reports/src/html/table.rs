//! A table of the page, as reports/html/MARKUP.md has it.

use super::escape::{escape, minus, name};
use crate::figure::count;
use crate::table::{Aside, Cell, Mark, Row, Table};

/// The table with its caption and notes; `number` is its place among the page's tables.
pub(super) fn render(table: &Table, number: usize) -> String {
    let id = format!("t{number}");
    let mut out = format!(
        "<figure class=\"table\" id=\"{id}\">\n<figcaption id=\"{id}-c\"><b>Table {number}</b> {}.</figcaption>\n",
        escape(table.title.trim_end_matches('.'))
    );
    out.push_str(&format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Table {number}\">\n<table aria-labelledby=\"{id}-c\">\n"
    ));
    out.push_str(&head(table));
    let groups: Vec<&[Row]> = table.rows.chunk_by(|a, b| a.group == b.group).collect();
    for rows in &groups {
        out.push_str(&body(table, rows, groups.len() > 1));
    }
    out.push_str("</table>\n</div>\n");
    let notes: Vec<&String> = table.notes.iter().chain(&table.source).collect();
    if !notes.is_empty() {
        let note = |n: &&String| match n.strip_prefix("WARNING: ") {
            Some(rest) => format!("<li class=\"warn\">Warning: {}</li>", name(rest)),
            None => format!("<li>{}</li>", name(n)),
        };
        out.push_str(&format!("<ul class=\"notes\">{}</ul>\n", notes.iter().map(note).collect::<String>()));
    }
    out.push_str("</figure>\n");
    out
}

fn head(table: &Table) -> String {
    let two = table.columns.iter().any(|c| !c.over.is_empty());
    let attributes = |at: usize| {
        let mut a = format!(" data-col=\"{at}\"");
        if !table.holds_words(at) {
            a.push_str(" class=\"n\"");
        }
        if less_is_better(table, at) {
            a.push_str(" data-first=\"ascending\"");
        }
        a
    };
    if !two {
        let cell = |(i, c): (usize, &crate::table::Column)| {
            format!("<th scope=\"col\"{}>{}</th>", attributes(i), escape(&c.name))
        };
        let cells: String = table.columns.iter().enumerate().map(cell).collect();
        return format!("<thead>\n<tr>{cells}</tr>\n</thead>\n");
    }
    let (mut upper, mut lower, mut at) = (String::new(), String::new(), 0);
    for (over, n) in table.groups() {
        if over.is_empty() {
            let column = &table.columns[at];
            upper.push_str(&format!("<th scope=\"col\" rowspan=\"2\"{}>{}</th>", attributes(at), escape(&column.name)));
        } else {
            upper.push_str(&format!("<th scope=\"colgroup\" colspan=\"{n}\">{}</th>", name(over)));
            for i in at..at + n {
                let column = &table.columns[i];
                lower.push_str(&format!(
                    "<th scope=\"col\"{} data-over=\"{}\">{}</th>",
                    attributes(i),
                    escape(over),
                    escape(&column.name)
                ));
            }
        }
        at += n;
    }
    format!("<thead>\n<tr>{upper}</tr>\n<tr>{lower}</tr>\n</thead>\n")
}

/// Seconds, and what counts failures.
fn less_is_better(table: &Table, column: usize) -> bool {
    let seconds = table.rows.iter().any(|r| matches!(r.cells.get(column), Some(Cell::Seconds(Some(_)))));
    let failing = ["failed", "harmed", "amplified", "lost", "worse", "misplaced", "error", "not run"];
    seconds || failing.contains(&table.columns[column].name.as_str())
}

fn body(table: &Table, rows: &[Row], named: bool) -> String {
    let group = rows.first().map_or(0, |r| r.group);
    let (key, title) = match group {
        0 => ("methods", "Methods"),
        1 => ("references", "References"),
        _ => ("published", "Published"),
    };
    let mut out = format!("<tbody data-group=\"{key}\">\n");
    if named {
        out.push_str(&format!(
            "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{}\"><span>{title}</span></th></tr>\n",
            table.columns.len()
        ));
    }
    for row in rows {
        out.push_str("<tr>");
        for (i, own) in row.cells.iter().enumerate() {
            if i == 0 {
                let text = own.print().value.unwrap_or_default();
                out.push_str(&format!("<th scope=\"row\">{}</th>", name(&text)));
            } else {
                out.push_str(&cell(own, !table.holds_words(i)));
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n");
    out
}

const NONE: &str = "<td class=\"n none\"><span aria-hidden=\"true\">–</span><span class=\"sr\">no value</span></td>";

fn cell(cell: &Cell, number: bool) -> String {
    if let Cell::Text(text) = cell {
        // An empty cell among numbers has no value.
        return if number && text.is_empty() { NONE.to_owned() } else { format!("<td>{}</td>", name(text)) };
    }
    let print = cell.print();
    let Some(value) = print.value else { return NONE.to_owned() };
    let value = escape(&minus(&value));
    let value = match (print.mark, cell) {
        (Mark::Best, _) => format!("<strong class=\"v\">{value}</strong><span class=\"sr\">, best</span>"),
        (Mark::Second, _) => format!("<u class=\"v\">{value}</u><span class=\"sr\">, second</span>"),
        (Mark::None, Cell::Count(n)) => count(*n),
        (Mark::None, _) => format!("<span class=\"v\">{value}</span>"),
    };
    let beside = match print.aside {
        Aside::Nothing => String::new(),
        Aside::Interval(low, high) => {
            // A range of signed numbers needs another word between them than a dash.
            let signed = matches!(cell, Cell::Change(_));
            let range = if signed { format!("{} to {}", minus(&low), minus(&high)) } else { format!("{low}–{high}") };
            format!(" <small class=\"ci\">{range}</small>")
        }
        Aside::Deviation(sd) => format!(" <small>± {sd}</small>"),
        Aside::Percent(percent) => format!(" <small>{percent} %</small>"),
    };
    let sorted = cell.number().filter(|n| n.is_finite()).map_or(String::new(), |n| format!(" data-v=\"{n}\""));
    format!("<td class=\"n\"{sorted}>{value}{beside}</td>")
}
