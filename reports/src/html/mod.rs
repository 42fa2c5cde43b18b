//! One page for a run or several: tables that sort, plots, a gallery. It needs no network and nothing beside it.
//!
//! The markup is that of `reports/html/MARKUP.md`, which `ci/check_report.py` holds a page against in a browser.

mod escape;
mod gallery;
mod table;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use socio_dataset::hash::sha256;

use crate::plots::Plot;
use crate::table::Table;
use escape::{escape, name};
pub use gallery::{Article, article, choose};

const STYLE: &str = include_str!("../../html/report.css");
const SCRIPT: &str = include_str!("../../html/report.js");
const THEME: &str = "<button class=\"theme\" id=\"theme\" type=\"button\" aria-label=\"Dark theme\" aria-pressed=\"false\" title=\"Light or dark\" hidden><svg width=\"18\" height=\"18\" viewBox=\"0 0 18 18\" aria-hidden=\"true\"><circle cx=\"9\" cy=\"9\" r=\"7\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.6\"/><path d=\"M9 2a7 7 0 0 1 0 14z\" fill=\"currentColor\"/></svg></button>";

/// What a page says.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// One sentence.
    pub lead: String,
    /// What the figures are of: heading and text.
    pub facts: Vec<(String, String)>,
    /// Runs: row and id.
    pub runs: Vec<(String, String)>,
    /// The program's version.
    pub version: String,
    /// The tables.
    pub tables: Vec<Table>,
    /// The plots.
    pub plots: Vec<Plot>,
    /// The samples.
    pub articles: Vec<Article>,
    /// What the gallery shows, and how its samples were chosen.
    pub gallery: String,
    /// Whose images and data these are.
    pub footer: String,
}

/// A section: the beginnings of the keys of what belongs to it.
struct Section {
    id: &'static str,
    title: &'static str,
    lead: &'static str,
    keys: &'static [&'static str],
}

const SECTIONS: [Section; 6] = [
    Section {
        id: "comparison",
        title: "Methods compared",
        lead: "cIoU, gIoU and F1 by level of the query, each with its 95 % interval.",
        keys: &["sets", "main", "ablation", "points", "zero-shot", "multi-class", "histogram"],
    },
    Section {
        id: "kinds",
        title: "By class, region and size",
        lead: "Where methods differ: by what the place is, where it lies, how many there are and how large they are.",
        keys: &["radar", "bars", "classes", "functions", "regions", "sizes", "instances"],
    },
    Section {
        id: "instances",
        title: "Instances",
        lead: "Precision, recall and F1 of single places, by each rule of what counts as one.",
        keys: &["instance-rules"],
    },
    Section {
        id: "errors",
        title: "How it fails",
        lead: "What became of each sample, and what the second stage made of the first one's mask.",
        keys: &["statuses", "failures", "propagation", "scatter", "worst"],
    },
    Section {
        id: "latency",
        title: "Where time goes",
        lead: "Seconds a sample, by phase; samples that warmed up are left out.",
        keys: &["latency", "curve", "stacked"],
    },
    Section { id: "other", title: "More", lead: "", keys: &[""] },
];

impl Page {
    /// The page as HTML.
    pub fn render(&self) -> String {
        let hash = STANDARD.encode(sha256(SCRIPT.as_bytes()));
        let policy = format!(
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
        );
        let mut sections = self.sections();
        if !self.articles.is_empty() {
            sections.push(("gallery", "Samples", gallery::render(&self.articles, &self.gallery)));
        }
        let links = sections.iter().map(|(id, title, _)| format!("<li><a href=\"#{id}\">{title}</a></li>"));
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n<title>{}</title>\n<style>{STYLE}</style>\n<script>{SCRIPT}</script>\n</head>\n<body>\n<a class=\"skip\" href=\"#content\">Skip to the tables</a>\n{}<nav class=\"toc\" aria-label=\"Sections\"><ul>{}</ul></nav>\n<main id=\"content\" tabindex=\"-1\">\n",
            escape(&self.title),
            self.head(),
            links.collect::<String>()
        );
        out.extend(sections.into_iter().map(|(_, _, body)| body));
        out.push_str(&format!("</main>\n<footer><p>{}</p></footer>\n</body>\n</html>\n", escape(&self.footer)));
        out
    }

    fn head(&self) -> String {
        let fact = |(k, v): &(String, String)| format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(k), escape(v));
        let run = |(label, id): &(String, String)| {
            format!("<li><span>{}</span> <code>{}</code></li>", name(label), escape(id))
        };
        let lead = if self.lead.is_empty() {
            String::new()
        } else {
            format!("<p class=\"lead\">{}</p>\n", escape(&self.lead))
        };
        format!(
            "<header class=\"top\">\n<h1>{}</h1>\n{lead}<dl class=\"facts\">\n{}<div class=\"all\"><dt>Runs</dt><dd><ul class=\"runs\">{}</ul></dd></div>\n</dl>\n<p class=\"by\">Generated by socio-bench {} from the runs’ records alone.</p>\n{THEME}\n</header>\n",
            escape(&self.title),
            self.facts.iter().map(fact).collect::<String>(),
            self.runs.iter().map(run).collect::<String>(),
            escape(&self.version)
        )
    }

    /// The sections that have something, each table and plot in the first that claims its key.
    fn sections(&self) -> Vec<(&'static str, &'static str, String)> {
        let home = |key: &str| SECTIONS.iter().position(|s| s.keys.iter().any(|k| key.starts_with(k))).unwrap_or(0);
        let (mut tables, mut plots) = (0, 0);
        let mut all = Vec::new();
        for (i, section) in SECTIONS.iter().enumerate() {
            let mut body = String::new();
            for table in self.tables.iter().filter(|t| home(&t.key) == i) {
                tables += 1;
                body.push_str(&table::render(table, tables));
            }
            for plot in self.plots.iter().filter(|p| home(p.key) == i) {
                plots += 1;
                body.push_str(&drawn(plot, plots));
            }
            if body.is_empty() {
                continue;
            }
            let Section { id, title, lead, .. } = section;
            let lead = if lead.is_empty() { String::new() } else { format!("<p class=\"lead\">{lead}</p>\n") };
            let html = format!(
                "<section id=\"{id}\" aria-labelledby=\"h-{id}\">\n<h2 id=\"h-{id}\">{title}</h2>\n{lead}{body}</section>\n"
            );
            all.push((*id, *title, html));
        }
        all
    }
}

fn drawn(plot: &Plot, number: usize) -> String {
    format!(
        "<figure class=\"plot\" id=\"p{number}\">\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Figure {number}\">\n{}\n</div>\n<figcaption><b>Figure {number}</b> {}</figcaption>\n</figure>\n",
        plot.svg,
        name(&plot.caption)
    )
}

#[cfg(test)]
mod tests;
