//! Finding and loading onnxruntime.

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ort::environment::Environment;
use socio_backend::BackendError;

use crate::BACKEND;

/// The loaded library: one a process.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) environment: Environment,
    library: PathBuf,
}

/// onnxruntime allows one environment a process, so the first that loads stays.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

const LIBRARY: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

const WHERE: &str = "install onnxruntime 1.24 or newer (for example `pip install onnxruntime`) and name its library with --onnxruntime PATH or ORT_DYLIB_PATH";

impl Runtime {
    /// Loads onnxruntime from `path`, else from `ORT_DYLIB_PATH`, else by the library's usual name. The path may be a
    /// folder that holds the library.
    ///
    /// # Errors
    /// When it is not there, is no onnxruntime, or is older than 1.24: one line that says what to do.
    pub fn load(path: Option<&Path>) -> Result<Self, BackendError> {
        let named = path
            .map(Path::to_owned)
            .or_else(|| env::var_os("ORT_DYLIB_PATH").filter(|v| !v.is_empty()).map(PathBuf::from));
        let missing = |why: String| BackendError::Unavailable { backend: BACKEND.to_owned(), why };
        let library = match named {
            None => PathBuf::from(LIBRARY),
            Some(p) if p.is_dir() => {
                in_folder(&p).ok_or_else(|| missing(format!("no onnxruntime library in {}; {WHERE}", p.display())))?
            }
            Some(p) if p.is_file() => p,
            Some(p) => return Err(missing(format!("no file {}; {WHERE}", p.display()))),
        };
        let mut loaded = LOADED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(runtime) = loaded.as_ref() {
            return Ok(runtime.clone());
        }
        // The binding panics on some broken libraries; to the user that is the same as a missing one.
        let attempt = catch_unwind(AssertUnwindSafe(|| {
            let builder = ort::init_from(&library).map_err(|e| e.to_string())?;
            builder.with_name("socio-bench").with_telemetry(false).build().map_err(|e| e.to_string())
        }));
        let environment =
            attempt.unwrap_or_else(|_| Err("the library is not a usable onnxruntime".to_owned())).map_err(|why| {
                missing(format!("onnxruntime did not load from {}: {}; {WHERE}", library.display(), one_line(&why)))
            })?;
        let runtime = Self { environment, library };
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// Where it was loaded from, links followed: the file's name usually tells the version.
    pub fn library(&self) -> PathBuf {
        fs::canonicalize(&self.library).unwrap_or_else(|_| self.library.clone())
    }
}

/// The library in a folder, the shortest name first (the link that has no version in its name).
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let names = fs::read_dir(folder).ok()?.filter_map(|e| Some(e.ok()?.path()));
    names
        .filter(|p| {
            // libonnxruntime.so.1.32.0, libonnxruntime.1.32.0.dylib, onnxruntime.dll
            let name = p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let (stem, ending) = LIBRARY.split_once('.').unwrap_or((LIBRARY, ""));
            name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('.') && rest.contains(ending))
        })
        .min_by_key(|p| (p.as_os_str().len(), p.clone()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
