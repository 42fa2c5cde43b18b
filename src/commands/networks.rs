//! `models init`, `models ask` and `models time`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;
use serde_json::json;
use socio_backend::{Cancel, Finish, Sampling, Vlm, VlmRequest};
use socio_baselines::networks::{self, Library};
use socio_baselines::{DType, ModelError, registry, timing};
use socio_dataset::{files, picture};
use socio_record::ExitCode;

use super::setup;
use crate::cli::{AskArgs, TimeArgs};
use crate::failure::{Failure, Outcome};

/// A text as long as the released stage-1 prompt, for timing.
const TEXT: &str = include_str!("timing_prompt.txt");

pub(crate) fn init(
    config: &str,
    out: &Path,
    seed: u64,
    dtype: DType,
    tokenizer: Option<&Path>,
    as_json: bool,
) -> Outcome {
    let known = networks::known().into_iter().find(|k| k.name == config);
    let text = match known {
        Some(known) => format!("{:#}\n", known.config),
        None => files::read_text(config.as_ref())?,
    };
    if out.exists() {
        return Err(Failure::new(ExitCode::OUTPUT, format!("{} is there already; name another folder", out.display())));
    }
    let plan = networks::plan(&text, tokenizer).map_err(|e| match &e {
        ModelError::File { .. } => Failure::input(e),
        other => Failure::input(format!("{config}: {other}")),
    })?;
    let written = plan.write(seed, dtype, out).map_err(|e| Failure::new(ExitCode::OUTPUT, e))?;
    if as_json {
        say!("{}", json!({ "folder": out, "weights": written.weights, "bytes": written.bytes }));
    } else {
        say!("{}: {} weights, {} bytes", out.display(), written.weights, written.bytes);
    }
    Ok(ExitCode::OK)
}

pub(crate) fn ask(args: &AskArgs) -> Outcome {
    let resources = setup::resources(&args.resources, false)?;
    let model = registry::vlm(&args.model, &resources)?;
    let start = if args.greedy { Sampling::GREEDY } else { Sampling::RELEASED };
    let request = VlmRequest {
        images: images(&args.images)?,
        text: args.text.clone(),
        sampling: Sampling { max_new_tokens: args.max_new_tokens, ..start },
        seeds: args.seeds.clone(),
        log_probabilities: args.json && model.caps().log_probabilities,
        system: None,
        sample: String::new(),
        stage: String::new(),
        cancel: Cancel::default(),
    };
    let Some(reply) = model.ask(&[request]).pop() else { return Err(Failure::input("the model gave no reply")) };
    let reply = reply?;
    let times = &reply.timings;
    if args.json {
        let completions = reply.completions.iter().zip(&args.seeds).map(|(c, seed)| {
            json!({ "seed": seed, "text": c.text, "tokens": c.tokens, "log_probabilities": c.log_probabilities, "gaps": c.gaps, "finish": c.finish })
        });
        let seconds = json!({
            "vision": times.vision.as_secs_f64(),
            "prefill": times.prefill.as_secs_f64(),
            "tokens": times.tokens.iter().map(std::time::Duration::as_secs_f64).collect::<Vec<_>>(),
        });
        let completions: Vec<_> = completions.collect();
        say!(
            "{:#}",
            json!({ "model": model.caps().name, "prompt_tokens": reply.prompt_length, "image_tokens": reply.image_tokens, "completions": completions, "seconds": seconds })
        );
        return Ok(ExitCode::OK);
    }
    for completion in &reply.completions {
        say!("{}", completion.text);
        let cut = if completion.finish == Finish::Length { ", cut" } else { "" };
        say!(
            "({} prompt tokens, {} drawn{cut}; vision {:.2} s, prefill {:.2} s, tokens {:.2} s)",
            reply.prompt_length,
            completion.length,
            times.vision.as_secs_f64(),
            times.prefill.as_secs_f64(),
            times.decode().as_secs_f64()
        );
    }
    Ok(ExitCode::OK)
}

pub(crate) fn time(args: &TimeArgs) -> Outcome {
    let mut resources = setup::resources(&args.resources, false)?;
    resources.running.random = args.random;
    // Every round looks at the same images: what the first saw would be all that the others do.
    resources.running.kept = Some(0);
    resources.running.tokenizer.clone_from(&args.tokenizer);
    if let Some(threads) = args.threads {
        resources.threads = threads as usize;
    }
    let given = images(&args.images)?;
    let start = Instant::now();
    let (library, what) = networks::named(&args.model).unwrap_or((Library::Candle, &args.model));
    let opened = networks::open(library, what, &resources)?;
    let timing = if opened.is_vlm() {
        let model: Arc<dyn Vlm> = opened.vlm(&resources)?;
        let load = start.elapsed();
        let given =
            if given.is_empty() { vec![timing::drawn_image(768, 1), timing::drawn_image(768, 2)] } else { given };
        timing::vlm(model.as_ref(), load, &given, TEXT.trim(), args.tokens, args.repeats as usize)?
    } else {
        let network = opened.segmenter(&resources)?;
        let load = start.elapsed();
        let image = given.into_iter().next().unwrap_or_else(|| timing::drawn_image(768, 1));
        timing::segmenter(network.as_ref(), load, &image, args.repeats as usize)?
    };
    if args.json {
        say!("{:#}", json!({ "threads": resources.threads, "timing": timing }));
        return Ok(ExitCode::OK);
    }
    let memory = timing
        .peak_memory
        .map_or(String::new(), |b| format!(", {:.2} GiB of memory at most", b as f64 / (1u64 << 30) as f64));
    let tokens = timing.prompt_tokens.map_or(String::new(), |n| format!(", {n} prompt tokens"));
    say!("{} on {} threads: loaded in {:.2} s{tokens}{memory}", timing.name, resources.threads, timing.load);
    for phase in &timing.phases {
        say!("{:28} {:9.3} s   (median of {})", phase.name, phase.median(), phase.seconds.len());
    }
    Ok(ExitCode::OK)
}

fn images(paths: &[std::path::PathBuf]) -> Result<Vec<Arc<RgbImage>>, Failure> {
    paths
        .iter()
        .map(|p| {
            Ok(Arc::new(
                picture::decode_rgb(&files::read(p)?).map_err(|e| Failure::input(format!("{}: {e}", p.display())))?,
            ))
        })
        .collect()
}
