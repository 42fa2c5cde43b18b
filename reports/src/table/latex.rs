//! LaTeX with `booktabs`; any engine takes it.

use super::{Aside, Cell, Mark, Print, Table};

pub(super) fn render(table: &Table) -> String {
    let columns: String = (0..table.columns.len()).map(|i| if table.holds_words(i) { 'l' } else { 'r' }).collect();
    let mut out = format!(
        "% {}\n% needs \\usepackage{{booktabs}}\n\\begin{{table}}\n\\centering\n",
        table.title.replace('\n', " ")
    );
    out.push_str(&format!("\\caption{{{}}}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n", escape(&table.title)));
    if table.columns.iter().any(|c| !c.over.is_empty()) {
        let heads = table.groups().into_iter().map(|(over, n)| match (over, n) {
            ("", _) => String::new(),
            (over, n) => format!("\\multicolumn{{{n}}}{{c}}{{{}}}", escape(over)),
        });
        out.push_str(&format!("{} \\\\\n", heads.collect::<Vec<_>>().join(" & ")));
        let mut at = 1;
        for (over, n) in table.groups() {
            if !over.is_empty() {
                out.push_str(&format!("\\cmidrule(lr){{{at}-{}}}", at + n - 1));
            }
            at += n;
        }
        out.push('\n');
    }
    let names = table.columns.iter().map(|c| escape(&c.name)).collect::<Vec<_>>();
    out.push_str(&format!("{} \\\\\n\\midrule\n", names.join(" & ")));
    let mut group = None;
    for row in &table.rows {
        if group.is_some_and(|g| g != row.group) {
            out.push_str("\\midrule\n");
        }
        group = Some(row.group);
        out.push_str(&format!("{} \\\\\n", row.cells.iter().map(cell).collect::<Vec<_>>().join(" & ")));
    }
    out.push_str("\\bottomrule\n\\end{tabular}\n");
    for note in table.notes.iter().chain(&table.source) {
        out.push_str(&format!("\\par\\footnotesize {}\n", escape(note)));
    }
    out.push_str("\\end{table}\n");
    out
}

fn cell(cell: &Cell) -> String {
    let Print { value, aside, mark } = cell.print();
    let Some(value) = value else { return "--".to_owned() };
    let value = escape(&value);
    let value = match mark {
        Mark::Best => format!("\\textbf{{{value}}}"),
        Mark::Second => format!("\\underline{{{value}}}"),
        Mark::None => value,
    };
    match aside {
        Aside::Nothing => value,
        Aside::Interval(low, high) => format!("{value} {{\\tiny [{low}, {high}]}}"),
        Aside::Deviation(sd) => format!("{value} {{\\tiny $\\pm$ {sd}}}"),
        Aside::Percent(percent) => format!("{value} {{\\tiny ({percent}\\,\\%)}}"),
    }
}

/// Text that stays text.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '[' | ']' | '*' => out.extend(['{', c, '}']),
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '†' => out.push_str("$^\\dagger$"),
            '‡' => out.push_str("$^\\ddagger$"),
            '–' => out.push_str("--"),
            '±' => out.push_str("$\\pm$"),
            'µ' => out.push_str("\\textmu{}"),
            '§' => out.push_str("\\S{}"),
            '≥' => out.push_str("$\\geq$"),
            '→' => out.push_str("$\\rightarrow$"),
            '×' => out.push_str("$\\times$"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
