//! With the feature `tch`, links libtorch's part for CUDA where there is one: nothing in the program calls it by name, so the
//! linker would leave it out, and libtorch would find no GPU. Without the feature it does nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    for name in ["LIBTORCH", "LIBTORCH_USE_PYTORCH", "VIRTUAL_ENV"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_TCH").is_none() {
        return;
    }
    let Some(lib) = libraries() else { return };
    // So that the program finds at run time what it was built with.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    if lib.join("libtorch_cuda.so").exists() {
        println!("cargo:rustc-link-arg=-L{}", lib.display());
        for arg in ["-Wl,--no-as-needed", "-ltorch_cuda", "-Wl,--as-needed"] {
            println!("cargo:rustc-link-arg={arg}");
        }
    }
}

/// The folder of libtorch's libraries, as torch-sys finds it: `LIBTORCH`, else a Python's torch.
fn libraries() -> Option<PathBuf> {
    if let Some(root) = std::env::var_os("LIBTORCH") {
        return Some(Path::new(&root).join("lib"));
    }
    std::env::var_os("LIBTORCH_USE_PYTORCH")?;
    let python = if std::env::var_os("VIRTUAL_ENV").is_some() { "python" } else { "python3" };
    let script = "import importlib.util as u, os; print(os.path.dirname(u.find_spec('torch').origin))";
    let told = Command::new(python).args(["-c", script]).output().ok()?;
    let root = String::from_utf8(told.stdout).ok()?;
    (!root.trim().is_empty()).then(|| Path::new(root.trim()).join("lib"))
}
