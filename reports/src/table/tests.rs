use super::*;
use crate::metrics::Figure;

fn figure(value: f64, low: f64, high: f64) -> Cell {
    Cell::Figure(Some(Figure { value, low, high }), Mark::None)
}

fn table() -> Table {
    let column = |over: &str, name: &str| Column { over: over.into(), name: name.into() };
    let row = |group, name: &str, a: f64, b: Option<f64>| Row {
        group,
        cells: vec![
            Cell::Text(name.into()),
            figure(a, a - 1.25, a + 1.5),
            b.map_or(Cell::Figure(None, Mark::None), |b| figure(b, b, b)),
            Cell::Count(72),
        ],
    };
    let mut table = Table {
        key: "main".into(),
        title: "SocioSeg test, 100 % of_it".into(),
        columns: vec![column("", "Method"), column("All", "cIoU"), column("All", "F1"), column("", "n")],
        rows: vec![
            row(0, "map-ocr | a_b", 47.94, Some(59.7)),
            row(0, "other, \"quoted\"", 47.85, None),
            row(0, "third", 50.0, Some(10.0)),
            row(1, "oracle-box †", 80.1, Some(90.0)),
            row(2, "SocioReasoner-3B (published)", 47.9, Some(59.7)),
        ],
        notes: vec!["† sees the truth & is < ranked >.".into()],
        source: vec!["Runs: a 0123.".into()],
    };
    table.mark_best();
    table
}

#[test]
fn best_and_second_are_marked_among_methods_alone() {
    let marks: Vec<Mark> =
        table().rows.iter().map(|r| if let Cell::Figure(_, mark) = &r.cells[1] { *mark } else { Mark::None }).collect();
    // 47.94 and 47.85 print as 47.9 both: equal as printed, so they share the mark.
    assert_eq!(marks, [Mark::Second, Mark::Second, Mark::Best, Mark::None, Mark::None]);
}

#[test]
fn terminal() {
    insta::assert_snapshot!(render(&[table()], Format::Terminal { styled: false }));
}

#[test]
fn terminal_styled() {
    let text = render(&[table()], Format::Terminal { styled: true });
    assert!(text.contains("\u{1b}[1m") && text.contains("\u{1b}[4m"));
}

#[test]
fn markdown() {
    insta::assert_snapshot!(render(&[table()], Format::Markdown));
}

#[test]
fn latex() {
    insta::assert_snapshot!(render(&[table()], Format::Latex));
}

#[test]
fn csv() {
    insta::assert_snapshot!(render(&[table()], Format::Csv));
}

#[test]
fn json() {
    let text = render(&[table()], Format::Json);
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
    insta::assert_snapshot!(text);
}
