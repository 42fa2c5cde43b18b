//! A short name for what a source of weights holds.

use sha2::{Digest, Sha256};

use super::Weights;

/// How much of each end of a tensor is looked at, in bytes.
const END: usize = 4096;

/// The SHA-256, in hexadecimal, of every key with the type, shape, length and both ends of its tensor.
///
/// Looking at all of a checkpoint would take as long as loading it. Other weights of the same architecture differ at the
/// ends of some tensor, since training changes all of them, so that this tells checkpoints apart, though not whether a file
/// was damaged or tampered with in the middle of a tensor. It is the same for the same weights in another kind of file.
pub(super) fn of(weights: &(impl Weights + ?Sized)) -> String {
    let mut hash = Sha256::new();
    hash.update(b"socio-bench weights 1\n");
    for key in weights.keys() {
        hash.update((key.len() as u64).to_le_bytes());
        hash.update(&key);
        // Tensors that cannot be weights count by their key.
        let Ok(Some(view)) = weights.view(&key, &[]) else {
            hash.update(b"none");
            continue;
        };
        hash.update(view.dtype.name());
        hash.update((view.shape.len() as u64).to_le_bytes());
        for size in &view.shape {
            hash.update((*size as u64).to_le_bytes());
        }
        hash.update((view.bytes.len() as u64).to_le_bytes());
        hash.update(&view.bytes[..view.bytes.len().min(END)]);
        hash.update(&view.bytes[view.bytes.len().saturating_sub(END)..]);
    }
    hex(&hash.finalize())
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
