//! Errors of all crates, told with their exit code.

use std::fmt;

use socio_backend::BackendError;
use socio_baselines::definition::DefinitionError;
use socio_baselines::fetch::FetchError;
use socio_dataset::build::BuildError;
use socio_dataset::city::CityError;
use socio_dataset::files::FileError;
use socio_dataset::geo::GeoError;
use socio_dataset::hub::HubError;
use socio_dataset::publish::PublishError;
use socio_dataset::store::StoreError;
use socio_harness::{HarnessError, LeaseError, SuiteError};
use socio_record::{ExitCode, LogError, RunError};
use socio_reports::baseline::BaselineError;
use socio_reports::export::ExportError;
use socio_reports::trace::TraceError;
use socio_train::TrainError;

/// What ends a command, and the code it exits with.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    text: String,
}

/// What a command comes to: the code it exits with, or why it ended.
pub(crate) type Outcome = Result<u8, Failure>;

impl Failure {
    pub(crate) fn new(code: u8, text: impl fmt::Display) -> Self {
        Self { code, text: text.to_string() }
    }

    pub(crate) fn input(text: impl fmt::Display) -> Self {
        Self::new(ExitCode::INPUT, text)
    }

    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self::new(ExitCode::USAGE, text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<FileError> for Failure {
    fn from(e: FileError) -> Self {
        let reading = matches!(e.action, "read" | "list" | "open");
        Self::new(if reading { ExitCode::INPUT } else { ExitCode::OUTPUT }, e)
    }
}

impl From<StoreError> for Failure {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::File(e) => e.into(),
            StoreError::Hub(e) => e.into(),
            StoreError::City(_) | StoreError::Restyle(_) => Self::usage(e),
            StoreError::Write { .. } | StoreError::Exists(_) => Self::new(ExitCode::OUTPUT, e),
            other => Self::input(other),
        }
    }
}

impl From<HubError> for Failure {
    fn from(e: HubError) -> Self {
        match e {
            HubError::Name(_) | HubError::ModelName(_) => Self::usage(e),
            other => Self::new(ExitCode::NETWORK, other),
        }
    }
}

impl From<BuildError> for Failure {
    fn from(e: BuildError) -> Self {
        match e {
            BuildError::Store(e) => e.into(),
            BuildError::File(e) => e.into(),
            BuildError::Geo(_) | BuildError::Nothing(_) => Self::input(e),
        }
    }
}

impl From<PublishError> for Failure {
    fn from(e: PublishError) -> Self {
        match e {
            PublishError::Store(e) => e.into(),
            PublishError::File(e) => e.into(),
            other => Self::input(other),
        }
    }
}

impl From<TrainError> for Failure {
    fn from(e: TrainError) -> Self {
        match e {
            TrainError::File(e) => e.into(),
            TrainError::City(e) => e.into(),
            TrainError::Model(_) => Self::new(ExitCode::BACKEND, e),
            TrainError::Checkpoint { .. } | TrainError::Input(_) => Self::input(e),
            TrainError::Diverged { .. } => Self::new(ExitCode::UNEXPECTED, e),
        }
    }
}

impl From<GeoError> for Failure {
    fn from(e: GeoError) -> Self {
        Self::input(e)
    }
}

impl From<CityError> for Failure {
    fn from(e: CityError) -> Self {
        Self::usage(e)
    }
}

impl From<SuiteError> for Failure {
    fn from(e: SuiteError) -> Self {
        match e {
            SuiteError::Unknown { .. } => Self::usage(e),
            SuiteError::File(e) => e.into(),
            SuiteError::Content { .. } => Self::input(e),
        }
    }
}

impl From<LogError> for Failure {
    fn from(e: LogError) -> Self {
        match e {
            LogError::File(e) => e.into(),
            LogError::Locked(_) => Self::new(ExitCode::OUTPUT, e),
            LogError::Line { .. } => Self::input(e),
        }
    }
}

impl From<RunError> for Failure {
    fn from(e: RunError) -> Self {
        match e {
            RunError::File(e) => e.into(),
            RunError::Log(e) => e.into(),
            RunError::Changed { .. } => Self::new(ExitCode::CHANGED, e),
            RunError::Incomparable { .. } => Self::new(ExitCode::INCOMPARABLE, e),
            other => Self::input(other),
        }
    }
}

impl From<HarnessError> for Failure {
    fn from(e: HarnessError) -> Self {
        match e {
            HarnessError::Store(e) => e.into(),
            HarnessError::Run(e) => e.into(),
            HarnessError::Log(e) => e.into(),
            HarnessError::Lease(e) => e.into(),
            gone @ HarnessError::Gone { .. } => Self::new(ExitCode::BACKEND, gone),
            other => Self::input(other),
        }
    }
}

impl From<LeaseError> for Failure {
    fn from(e: LeaseError) -> Self {
        match e {
            LeaseError::File(e) => e.into(),
            LeaseError::NotShared { .. } => Self::new(ExitCode::OUTPUT, e),
            LeaseError::Foreign(_) | LeaseError::Incomplete { .. } => Self::input(e),
        }
    }
}

impl From<BackendError> for Failure {
    fn from(e: BackendError) -> Self {
        Self::new(ExitCode::BACKEND, e)
    }
}

impl From<DefinitionError> for Failure {
    fn from(e: DefinitionError) -> Self {
        match e {
            DefinitionError::File(e) => e.into(),
            DefinitionError::Content { .. } => Self::input(e),
            DefinitionError::Option(_) => Self::usage(e),
        }
    }
}

impl From<FetchError> for Failure {
    fn from(e: FetchError) -> Self {
        match e {
            FetchError::File(e) => e.into(),
            FetchError::Unknown { .. } => Self::usage(e),
            other => Self::new(ExitCode::NETWORK, other),
        }
    }
}

impl From<TraceError> for Failure {
    fn from(e: TraceError) -> Self {
        match e {
            TraceError::Run(e) => e.into(),
            TraceError::File(e) => e.into(),
            TraceError::NoTimes(_) => Self::input(e.to_string()),
        }
    }
}

impl From<BaselineError> for Failure {
    fn from(e: BaselineError) -> Self {
        match e {
            BaselineError::File(e) => e.into(),
            BaselineError::Missing(_) | BaselineError::Broken { .. } => Self::input(e),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(e: ExportError) -> Self {
        Self::new(ExitCode::OUTPUT, e)
    }
}
