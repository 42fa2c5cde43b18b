//! Networks on libtorch; in a build without it, why not (`MISSING`).

#[cfg(feature = "tch")]
pub(super) use built::{MISSING, segmenter, states, vlm};
#[cfg(not(feature = "tch"))]
pub(super) use missing::{MISSING, segmenter, states, vlm};

#[cfg(feature = "tch")]
mod built {
    use std::sync::Arc;

    use socio_backend::{BackendError, DeviceState, Segmenter, Vlm};
    use socio_local::{Found, Load, Place};
    use socio_models::DType;
    use socio_tch::Torch;

    use super::super::unavailable;
    use crate::registry::Resources;

    pub(in super::super) const MISSING: Option<&str> = None;

    pub(in super::super) fn states() -> Vec<DeviceState> {
        socio_tch::states()
    }

    pub(in super::super) fn vlm(
        found: Found,
        name: &str,
        load: Load,
        resources: &Resources,
    ) -> Result<Arc<dyn Vlm>, BackendError> {
        found.vlm(name, load, place(resources, DType::Bf16)?)
    }

    pub(in super::super) fn segmenter(
        found: Found,
        name: &str,
        resources: &Resources,
    ) -> Result<Arc<dyn Segmenter>, BackendError> {
        found.segmenter(name, place(resources, DType::F32)?)
    }

    /// libtorch computes in the type that it is given, on the CPU too. It has threads of its own; ours only calls.
    fn place(resources: &Resources, default: DType) -> Result<Place<Torch>, BackendError> {
        let device = socio_tch::device(resources.running.device).map_err(|e| unavailable("tch", e.to_string()))?;
        let dtype = resources.running.dtype.unwrap_or(default);
        let name = if device.is_cuda() { "gpu" } else { "cpu" };
        let place = Place::new("tch", (device, name), (dtype, dtype), 1)?;
        let threads = resources.threads;
        place.run(|| socio_tch::start(threads));
        Ok(place)
    }
}

#[cfg(not(feature = "tch"))]
mod missing {
    use std::sync::Arc;

    use socio_backend::{BackendError, DeviceState, Segmenter, Vlm};
    use socio_local::{Found, Load};

    use super::super::unavailable;
    use crate::registry::Resources;

    const WHY: &str = "this build has no libtorch: build with `--features tch` (docs/backends.md, section 5)";

    pub(in super::super) const MISSING: Option<&str> = Some(WHY);

    pub(in super::super) fn states() -> Vec<DeviceState> {
        let device =
            |device| DeviceState { library: "tch", device, dtypes: "f32, bf16, f16", why_not: Some(WHY.to_owned()) };
        ["cpu", "cuda"].map(device).into()
    }

    pub(in super::super) fn vlm(_: Found, name: &str, _: Load, _: &Resources) -> Result<Arc<dyn Vlm>, BackendError> {
        Err(unavailable(&format!("tch:{name}"), WHY.to_owned()))
    }

    pub(in super::super) fn segmenter(_: Found, name: &str, _: &Resources) -> Result<Arc<dyn Segmenter>, BackendError> {
        Err(unavailable(&format!("tch:{name}"), WHY.to_owned()))
    }
}
