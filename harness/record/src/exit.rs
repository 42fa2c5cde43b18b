//! Exit codes: nothing but success is 0, and verdicts never use 1 or 2, which shells, `make` and argument parsers use.

/// The codes that the binary exits with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode;

impl ExitCode {
    /// All went well.
    pub const OK: u8 = 0;
    /// Something unforeseen.
    pub const UNEXPECTED: u8 = 1;
    /// The command line is wrong (clap's own code).
    pub const USAGE: u8 = 2;
    /// The data, a run folder or another input is missing or broken.
    pub const INPUT: u8 = 3;
    /// An output cannot be written.
    pub const OUTPUT: u8 = 4;
    /// A backend or its model files are not there.
    pub const BACKEND: u8 = 5;
    /// The run exists already with other inputs.
    pub const CHANGED: u8 = 6;
    /// The hub or another server did not answer as it should.
    pub const NETWORK: u8 = 7;
    /// Verdict: a regression (`check`).
    pub const REGRESSED: u8 = 10;
    /// Verdict: inconclusive, counted as a failure (`check`).
    pub const INCONCLUSIVE: u8 = 11;
    /// Verdict: the runs cannot be compared (`check`, `merge`).
    pub const INCOMPARABLE: u8 = 12;
    /// Verdict: there is no baseline (`check`).
    pub const NO_BASELINE: u8 = 13;
    /// Verdict: made again, a run came out otherwise (`reproduce`).
    pub const DIFFERS: u8 = 14;
    /// Verdict: more samples failed than allowed (`run`, `check`).
    pub const FAILURES: u8 = 20;
    /// Verdict: findings of severity error (`data verify`, `validate-predictions`).
    pub const FINDINGS: u8 = 21;

    /// Every code with its meaning, for `--help` and the docs.
    pub const ALL: [(u8, &'static str); 15] = [
        (Self::OK, "success"),
        (Self::UNEXPECTED, "unexpected error"),
        (Self::USAGE, "wrong command line"),
        (Self::INPUT, "data, run or other input missing or broken"),
        (Self::OUTPUT, "output cannot be written"),
        (Self::BACKEND, "backend or model files not available"),
        (Self::CHANGED, "run exists already with other inputs"),
        (Self::NETWORK, "hub or server did not answer as it should"),
        (Self::REGRESSED, "verdict: regressed"),
        (Self::INCONCLUSIVE, "verdict: inconclusive, counted as failure"),
        (Self::INCOMPARABLE, "verdict: runs cannot be compared or merged"),
        (Self::NO_BASELINE, "verdict: no baseline"),
        (Self::DIFFERS, "verdict: made again, the run differs"),
        (Self::FAILURES, "verdict: more samples failed than allowed"),
        (Self::FINDINGS, "verdict: a check found errors"),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_stay_clear_of_one_and_two_and_no_code_has_two_meanings() {
        let mut codes: Vec<u8> = ExitCode::ALL.iter().map(|(c, _)| *c).collect();
        assert!(ExitCode::ALL.iter().filter(|(_, m)| m.starts_with("verdict")).all(|(c, _)| *c >= 10));
        codes.dedup();
        assert_eq!(codes.len(), ExitCode::ALL.len());
    }
}
