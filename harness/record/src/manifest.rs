//! What was run: everything that decides the answers, hashed, and the machine for the reader.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use socio_dataset::hash::FieldHasher;

/// Version of the manifest's layout.
pub const SCHEMA: u32 = 1;
/// Version of a record's layout.
pub const RECORD_SCHEMA: u32 = 1;

/// The program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Version of socio-bench.
    pub version: String,
    /// SHA-256 of the executable (16 characters). Told, not compared: another machine's build may go on with a run.
    pub executable: String,
}

/// The dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// What it was opened as. Told, not compared: the content is what counts.
    pub location: String,
    /// How it is stored.
    pub kind: String,
    /// The commit of a hub dataset.
    pub revision: Option<String>,
    /// The split.
    pub split: String,
    /// Hash of ids and inputs of the chosen samples.
    pub fingerprint: String,
    /// How many samples were chosen.
    pub samples: usize,
}

/// Which samples of the split were chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The first so many.
    pub limit: Option<usize>,
    /// Of these levels; all where empty.
    pub levels: Vec<String>,
    /// These ids; all where empty.
    pub ids: Vec<String>,
}

/// The method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodInfo {
    /// Its name.
    pub name: String,
    /// Its row in tables.
    pub label: String,
    /// Whether it sees the truth: marked in every table, never ranked.
    pub oracle: bool,
    /// Whether it is a floor or reference, never ranked.
    pub reference: bool,
    /// What it was set to.
    pub parameters: BTreeMap<String, Value>,
    /// What every table with it has to tell: an inference-time variant, points that its segmenter does not take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// A model behind a seam.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// `vlm`, `segmenter` or `map reader`.
    pub role: String,
    /// Its name.
    pub name: String,
    /// Hash of weights and processing.
    pub fingerprint: String,
}

/// The set of a suite that a run is of. Told, not compared: the data is what counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetInfo {
    /// The suite.
    pub suite: String,
    /// The set's name.
    pub name: String,
    /// Its heading in tables.
    pub title: String,
}

/// The machine, for the reader of timings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and architecture.
    pub platform: String,
    /// The processor's name.
    pub processor: String,
    /// Threads it runs at once.
    pub threads: usize,
}

/// The manifest of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this layout.
    pub schema: u32,
    /// Version of the records' layout.
    pub record_schema: u32,
    /// Hash of all that decides the answers; tables carry it.
    pub id: String,
    /// The program.
    pub code: Code,
    /// The dataset.
    pub data: Data,
    /// The set of a suite, where the run is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetInfo>,
    /// Which of its samples.
    pub selection: Selection,
    /// The method.
    pub method: MethodInfo,
    /// Its models.
    pub models: Vec<ModelInfo>,
    /// The seed from which every sample's draws come.
    pub seed: u64,
    /// The metric profile that tables take when told no other.
    pub profile: String,
    /// The machine that began it.
    pub machine: Machine,
    /// The words of the command that made it, for whoever makes it again. Told, not compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

impl Manifest {
    /// The fields that decide the answers, by name. A run goes on only where all are equal.
    pub fn identity(&self) -> BTreeMap<String, String> {
        let json = |value: &dyn Fn() -> serde_json::Result<String>| value().unwrap_or_default();
        let mut fields = BTreeMap::from([
            ("schema".to_owned(), format!("{} (records {})", self.schema, self.record_schema)),
            ("code.version".to_owned(), self.code.version.clone()),
            ("data.revision".to_owned(), self.data.revision.clone().unwrap_or_else(|| "none".to_owned())),
            ("data.split".to_owned(), self.data.split.clone()),
            ("data.fingerprint".to_owned(), self.data.fingerprint.clone()),
            ("data.samples".to_owned(), self.data.samples.to_string()),
            ("selection".to_owned(), json(&|| serde_json::to_string(&self.selection))),
            ("method.name".to_owned(), self.method.name.clone()),
            ("seed".to_owned(), self.seed.to_string()),
        ]);
        for (name, value) in &self.method.parameters {
            fields.insert(format!("method.{name}"), value.to_string());
        }
        for m in &self.models {
            fields.insert(m.role.clone(), format!("{} {}", m.name, m.fingerprint));
        }
        fields
    }

    /// Sets the id from the identity.
    #[must_use]
    pub fn with_id(mut self) -> Self {
        let hasher = self.identity().iter().fold(FieldHasher::default(), |h, (k, v)| h.field(k).field(v));
        self.id = hasher.hex(12);
        self
    }

    /// How the identities of two manifests differ: `(field, here, there)`, `-` for a field that one lacks.
    pub fn differences(&self, other: &Self) -> Vec<(String, String, String)> {
        let (here, there) = (self.identity(), other.identity());
        let names: std::collections::BTreeSet<&String> = here.keys().chain(there.keys()).collect();
        let value =
            |of: &BTreeMap<String, String>, name: &String| of.get(name).cloned().unwrap_or_else(|| "-".to_owned());
        names.into_iter().map(|n| (n.clone(), value(&here, n), value(&there, n))).filter(|(_, a, b)| a != b).collect()
    }
}
