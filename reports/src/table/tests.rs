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

/// Every other kind of cell, each with a value and without.
fn kinds() -> Table {
    let column = |name: &str| Column { over: String::new(), name: name.into() };
    let f = |value: f64, low: f64, high: f64| Some(Figure { value, low, high });
    let spread = Some(Spread { mean: 52.84, deviation: 0.31, seeds: 5 });
    let row = |group, cells: [Cell; 7]| Row { group, cells: cells.into() };
    Table {
        key: "kinds".into(),
        title: "Cells".into(),
        columns: ["Method", "seeds", "change", "share", "time", "rate", "n"].map(column).into(),
        rows: vec![
            row(
                0,
                [
                    Cell::Text("a".into()),
                    Cell::Spread(spread, Mark::Best),
                    Cell::Change(f(-1.25, -2.0, -0.5)),
                    Cell::Share(3, 24),
                    Cell::Seconds(Some(0.0427)),
                    Cell::Number(Some(1234.56), 1),
                    Cell::Count(4190),
                ],
            ),
            row(
                0,
                [
                    Cell::Text("b".into()),
                    Cell::Spread(None, Mark::None),
                    Cell::Change(f(0.0, 0.0, 0.0)),
                    Cell::Share(0, 0),
                    Cell::Seconds(None),
                    Cell::Number(None, 1),
                    Cell::Count(0),
                ],
            ),
            row(
                2,
                [
                    Cell::Text("c (published)".into()),
                    Cell::exact(Some(47.9)),
                    Cell::Change(None),
                    Cell::empty(),
                    Cell::Seconds(Some(2.71)),
                    Cell::empty(),
                    Cell::empty(),
                ],
            ),
        ],
        notes: vec!["WARNING: few.".into()],
        source: vec!["Profile strict.".into()],
    }
}

#[test]
fn every_kind_of_cell_in_every_form() {
    let forms = [
        ("terminal", Format::Terminal { styled: false }),
        ("markdown", Format::Markdown),
        ("latex", Format::Latex),
        ("csv", Format::Csv),
        ("json", Format::Json),
    ];
    for (name, format) in forms {
        insta::assert_snapshot!(format!("kinds_{name}"), render(&[kinds()], format));
    }
}

#[test]
fn a_source_that_neighbours_share_stands_once_at_a_terminal() {
    let text = render(&[kinds(), kinds(), table()], Format::Terminal { styled: false });
    assert_eq!((text.matches("Profile strict.").count(), text.matches("Runs: a 0123.").count()), (1, 1));
    assert_eq!(render(&[kinds(), kinds()], Format::Markdown).matches("Profile strict.").count(), 2);
}

#[test]
fn columns_of_other_names_stay_side_by_side_at_a_terminal() {
    let column = |over: &str, name: &str| Column { over: over.into(), name: name.into() };
    let mut table = kinds();
    table.columns = vec![column("", "Method"), column("a", "x"), column("b", "y")];
    table.rows = vec![Row { group: 0, cells: vec![Cell::Text("m".into()), Cell::Count(1), Cell::Count(2)] }];
    let text = render(&[table.clone()], Format::Terminal { styled: false });
    assert!(
        text.contains('x')
            && text.contains('y')
            && text.lines().any(|l| l.contains("m ") && l.contains('1') && l.contains('2')),
        "{text}"
    );
    table.columns[2].name = "x".into();
    let text = render(&[table], Format::Terminal { styled: false });
    assert!(!text.lines().any(|l| l.contains("m ") && l.contains('1') && l.contains('2')), "{text}");
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
