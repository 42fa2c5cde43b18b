//! How long a network takes on this machine, phase by phase, and how much memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use serde::Serialize;
use socio_backend::{BackendError, Cancel, Prompt, Sampling, Segmenter, Vlm, VlmRequest};

/// A phase and its times in seconds, one a round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    /// What was done.
    pub name: &'static str,
    /// Of each round that counts.
    pub seconds: Vec<f64>,
}

impl Phase {
    /// The middle one.
    pub fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// What a network took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timing {
    /// The network, as tables name it.
    pub name: String,
    /// Loading, in seconds.
    pub load: f64,
    /// Its phases in their order.
    pub phases: Vec<Phase>,
    /// Tokens of the prompt, for a vision-language model.
    pub prompt_tokens: Option<usize>,
    /// Most memory that this process had at any time, in bytes, where the system tells.
    pub peak_memory: Option<u64>,
}

/// An image for those who give none: coarse patches in colours, with some noise, like a place seen from above.
pub fn drawn_image(side: u32, seed: u32) -> Arc<RgbImage> {
    let mix = |v: u32| (v ^ (v >> 15)).wrapping_mul(0x2c1b_3c6d).rotate_left(11).wrapping_mul(0x297a_2d39);
    Arc::new(RgbImage::from_fn(side, side, |x, y| {
        let patch = mix((x / 48) * 977 + (y / 48) * 613 + seed);
        let noise = mix(x * 7919 + y * 104_729 + seed);
        Rgb([0, 8, 16].map(|shift| (((patch >> shift) & 0xc0) + ((noise >> shift) & 0x1f) + 16) as u8))
    }))
}

/// Times a segmenter on an image: looking at it, and the mask of a box.
///
/// # Errors
/// When the segmenter fails.
pub fn segmenter(
    network: &dyn Segmenter,
    load: Duration,
    image: &Arc<RgbImage>,
    repeats: usize,
) -> Result<Timing, BackendError> {
    let (w, h) = (f64::from(image.width()), f64::from(image.height()));
    let prompt = Prompt::from(socio_dataset::Bbox { x0: w * 0.4, y0: h * 0.4, x1: w * 0.6, y1: h * 0.6 });
    let (mut encode, mut decode) = (Vec::new(), Vec::new());
    for round in 0..=repeats {
        let start = Instant::now();
        let embedding = network.embed(image)?;
        let seen = start.elapsed();
        let start = Instant::now();
        network.prompt(&embedding, std::slice::from_ref(&prompt))?;
        if round > 0 {
            encode.push(seen.as_secs_f64());
            decode.push(start.elapsed().as_secs_f64());
        }
    }
    let phases =
        vec![Phase { name: "encode an image", seconds: encode }, Phase { name: "a mask from a box", seconds: decode }];
    Ok(Timing {
        name: network.caps().name.clone(),
        load: load.as_secs_f64(),
        phases,
        prompt_tokens: None,
        peak_memory: peak_memory(),
    })
}

/// Times a vision-language model on a prompt: the vision tower, the prompt, each token.
///
/// # Errors
/// When the model fails.
pub fn vlm(
    network: &dyn Vlm,
    load: Duration,
    images: &[Arc<RgbImage>],
    text: &str,
    tokens: u32,
    repeats: usize,
) -> Result<Timing, BackendError> {
    let request = VlmRequest {
        images: images.to_vec(),
        text: text.to_owned(),
        sampling: Sampling { max_new_tokens: tokens, ..Sampling::GREEDY },
        seeds: vec![0],
        log_probabilities: false,
        system: None,
        sample: String::new(),
        stage: String::new(),
        cancel: Cancel::default(),
    };
    let (mut around, mut vision, mut prefill, mut each) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut prompt_tokens = None;
    for round in 0..=repeats {
        let start = Instant::now();
        let reply = network.ask(std::slice::from_ref(&request)).pop().unwrap_or_else(|| {
            Err(BackendError::Inference {
                backend: network.caps().name.clone(),
                doing: "answering",
                why: "it gave no reply".to_owned(),
            })
        })?;
        let whole = start.elapsed();
        prompt_tokens = Some(reply.prompt_length);
        if round > 0 {
            let t = &reply.timings;
            around.push(whole.saturating_sub(t.vision + t.prefill + t.decode()).as_secs_f64());
            vision.push(t.vision.as_secs_f64());
            prefill.push(t.prefill.as_secs_f64());
            each.extend(t.tokens.iter().map(Duration::as_secs_f64));
        }
    }
    let phase = |name, seconds| Phase { name, seconds };
    Ok(Timing {
        name: network.caps().name.clone(),
        load: load.as_secs_f64(),
        phases: vec![
            phase("images and text made ready", around),
            phase("vision", vision),
            phase("prefill", prefill),
            phase("a token", each),
        ],
        prompt_tokens,
        peak_memory: peak_memory(),
    })
}

/// Most memory that this process had at any time, in bytes; Linux tells.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
