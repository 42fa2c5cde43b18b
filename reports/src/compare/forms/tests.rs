use super::*;
use crate::compare::{Allowed, Asked, Check, check};
use crate::simulated::{Plan, digest};
use crate::table::{Format, render};
use socio_dataset::Level;
use socio_record::Rule;

/// A check in which class queries got worse, one run has no baseline, and a label is hostile.
fn told(loss: f64) -> Check {
    let hostile = |mut d: crate::digest::Digest| {
        d.manifest.method.label = "mine <b>|`x`</b> & co".to_owned();
        d
    };
    let before = hostile(digest(&Plan { noise: 0.02, ..Plan::default() }, 5));
    let plan = Plan { noise: 0.02, own: 2, loss, level: Some(Level::Class), ..Plan::default() };
    let after = hostile(digest(&plan, 5));
    let limits = ["giou@*=-0.5", "ciou=-1%", "failures=+2", "p95=+10%", "giou>=20"];
    let asked = Asked {
        profile: None,
        rule: Rule::Components,
        resamples: 500,
        limits: limits.iter().map(|l| l.parse().unwrap()).collect(),
        allowed: Allowed::default(),
        most: 5,
    };
    check(&[before], &[after], &asked, true)
}

#[test]
fn a_regression_for_people() {
    let check = told(0.4);
    let text = render(&tables(&check, false), Format::Terminal { styled: false });
    insta::assert_snapshot!(format!("{text}\n{}\n{:?}", headline(&check).join("\n"), check.verdict()));
}

#[test]
fn a_regression_for_a_pull_request() {
    let text = markdown(&told(0.4), "smoke --><script>");
    assert!(text.starts_with("<!-- socio-bench check: smoke --script -->\n"), "{}", text.lines().next().unwrap());
    assert!(text.len() < MARKDOWN_LIMIT && !text.replace("\\<", "").contains("<b>"));
    insta::assert_snapshot!(text);
}

#[test]
fn a_regression_for_machines() {
    insta::assert_snapshot!(format!("{:#}", json(&told(0.4))));
}

#[test]
fn a_regression_for_a_test_runner() {
    let xml = junit(&told(0.4)).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert!(report.failures > 0 && report.errors == 0, "{xml}");
    insta::assert_snapshot!(xml);
}

#[test]
fn a_comment_of_very_many_runs_still_fits() {
    let mut check = told(0.4);
    let one = check.runs[0].clone();
    check.runs = vec![one; 60];
    check.runs[0].name = "long ".repeat(2_000);
    check.new = (0..2_000).map(|i| format!("a run of a long name, number {i}")).collect();
    let text = markdown(&check, "many");
    assert!(text.len() < MARKDOWN_LIMIT, "{}", text.len());
    assert!(text.contains("did not fit here") && text.contains("more\n"));
}
