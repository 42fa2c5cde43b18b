//! JUnit XML: a suite a run, a case a measure and slice. Valid by the schema of Jenkins' xUnit plugin (`junit-10.xsd`).

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::words::{change, value};
use crate::compare::{Check, Row, Verdict};

/// XML that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write JUnit XML: {0}")]
pub struct JunitError(#[from] quick_junit::SerializeError);

/// The check as JUnit XML.
///
/// # Errors
/// Never, but for what the XML writer may say.
pub fn junit(check: &Check) -> Result<String, JunitError> {
    let mut report = Report::new("socio-bench check");
    for run in &check.runs {
        let mut suite = TestSuite::new(run.name.clone());
        match &run.result {
            Ok(c) => suite.add_test_cases(c.rows.iter().map(|r| case(r, check.strict, &run.name))),
            Err(e) => suite.add_test_case(broken("comparable", &run.name, "incomparable", &e.differences.join("\n"))),
        };
        report.add_test_suite(suite);
    }
    let lone = check.new.iter().map(|n| (n, "no baseline", "the baseline has no such run"));
    let gone = check.gone.iter().map(|n| (n, "not given", "a run of the baseline that was not given"));
    for (name, kind, why) in lone.chain(gone) {
        let mut suite = TestSuite::new(name.clone());
        suite.add_test_case(broken("baseline", name, kind, why));
        report.add_test_suite(suite);
    }
    let xml = report.to_string()?;
    // The schema knows no count of skipped cases on the root, of which there are none.
    Ok(xml.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1))
}

fn case(row: &Row, strict: bool, run: &str) -> TestCase {
    let told = format!(
        "{} to {}{}",
        value(row.measure, row.before),
        value(row.measure, row.after),
        row.change.as_ref().map_or(String::new(), |f| format!(", {}", change(row.measure, f)))
    );
    let fails =
        row.gate.as_ref().filter(|g| g.verdict == Verdict::Regressed || (strict && g.verdict == Verdict::Inconclusive));
    let mut status = TestCaseStatus::success();
    if let Some(gate) = fails {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(gate.verdict.label()).set_message(format!("{told} (limit {})", gate.limit));
        if let Some(remark) = &gate.remark {
            status.set_description(remark.clone());
        }
    }
    // A measure with two limits is two cases.
    let own = row.gate.as_ref().filter(|g| g.tolerance.is_none()).map_or(String::new(), |g| format!(" ({})", g.limit));
    let mut case = TestCase::new(format!("{} {}{own}", row.slice.label(), row.measure.label()), status);
    case.set_classname(run.to_owned());
    case.set_system_out(told);
    case
}

fn broken(name: &str, run: &str, kind: &str, why: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(kind).set_message(why.to_owned());
    let mut case = TestCase::new(name, status);
    case.set_classname(run.to_owned());
    case
}
