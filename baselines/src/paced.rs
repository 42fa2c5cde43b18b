//! Recorded answers in the time that a model takes: what a method costs with a model whose weights nobody trained.

use std::sync::Arc;

use socio_backend::{BackendError, Cost, Vlm, VlmCaps, VlmReply, VlmRequest};

/// A model that computes and another that speaks. A model of random weights says nothing that a method can go on with, so its
/// second stage would never be timed; with recorded texts every stage runs at true size.
pub struct PacedVlm {
    computes: Arc<dyn Vlm>,
    speaks: Arc<dyn Vlm>,
    caps: VlmCaps,
}

impl PacedVlm {
    /// `computes` is asked and its words are thrown away; what `speaks` says is told, with the other's times and tokens.
    pub fn new(speaks: Arc<dyn Vlm>, computes: Arc<dyn Vlm>) -> Self {
        let name = format!("{} in the time of {}", speaks.caps().name, computes.caps().name);
        let fingerprint = format!("{} {}", speaks.caps().fingerprint, computes.caps().fingerprint);
        let caps = VlmCaps { name, fingerprint, log_probabilities: false, ..computes.caps().clone() };
        Self { computes, speaks, caps }
    }
}

impl Vlm for PacedVlm {
    fn caps(&self) -> &VlmCaps {
        &self.caps
    }

    fn cost(&self) -> Option<Cost> {
        self.computes.cost()
    }

    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>> {
        let computed = self.computes.ask(requests);
        let said = self.speaks.ask(requests);
        let told = |(computed, said): (Result<VlmReply, BackendError>, Result<VlmReply, BackendError>)| {
            let (mut computed, said) = (computed?, said?);
            for (own, other) in computed.completions.iter_mut().zip(said.completions) {
                // Its tokens are of words that are not told.
                (own.text, own.tokens, own.log_probabilities, own.gaps) = (other.text, Vec::new(), None, None);
            }
            Ok(computed)
        };
        computed.into_iter().zip(said).map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordedVlm;
    use socio_backend::{Cancel, NullVlm, Sampling};

    #[test]
    fn words_are_the_ones_and_failures_of_both() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("stage1")).unwrap();
        std::fs::write(folder.path().join("stage1/a.txt"), "there").unwrap();
        let speaks = Arc::new(RecordedVlm::open(folder.path()).unwrap());
        let paced = PacedVlm::new(speaks, Arc::new(NullVlm::default()));
        assert!(paced.caps().name.contains("in the time of null") && !paced.caps().log_probabilities);
        let request = |sample: &str| VlmRequest {
            images: Vec::new(),
            system: None,
            text: "?".to_owned(),
            sampling: Sampling::GREEDY,
            seeds: vec![1],
            log_probabilities: false,
            sample: sample.to_owned(),
            stage: "localize".to_owned(),
            cancel: Cancel::default(),
        };
        let replies = paced.ask(&[request("a"), request("b")]);
        assert_eq!(replies[0].as_ref().unwrap().completions[0].text, "there");
        assert!(replies[1].is_err(), "nothing was recorded for it");
    }
}
