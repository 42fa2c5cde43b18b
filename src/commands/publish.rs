//! `data publish`, `data gallery`.

use std::path::Path;

use serde_json::json;
use socio_dataset::publish::{self, About, GalleryOptions};
use socio_dataset::store::Dataset;
use socio_record::ExitCode;

use super::setup;
use crate::failure::{Failure, Outcome};
use crate::progress;

pub(crate) fn command(
    folder: &Path,
    name: Option<String>,
    licence: String,
    cite: Option<String>,
    as_json: bool,
) -> Outcome {
    let whole = std::fs::canonicalize(folder).map_err(|e| Failure::input(format!("{}: {e}", folder.display())))?;
    let own = whole.file_name().map(|n| n.to_string_lossy().into_owned());
    let name = name.or(own).unwrap_or_else(|| "dataset".to_owned());
    let date = today();
    let cite = cite.unwrap_or_else(|| format!("@misc{{{name}, title = {{{name}}}, year = {{{}}}}}", &date[..4]));
    let dataset = setup::plain(&whole)?;
    let published = publish::publish(&dataset, &whole, &About { name, licence, cite, date })?;
    if as_json {
        say!("{:#}", json!(published));
    } else {
        for file in &published.files {
            say!("{}", file.display());
        }
        say!("{} samples, configs: {}", published.samples, published.configs.join(", "));
        say!("README.md says in brackets what only you can tell");
    }
    Ok(ExitCode::OK)
}

pub(crate) fn gallery(
    dataset: &Dataset,
    input: &str,
    out: &Path,
    splits: Vec<String>,
    limit: Option<usize>,
) -> Outcome {
    let title = input.trim_end_matches('/').rsplit('/').next().unwrap_or(input).to_owned();
    let bar = progress::counter("gallery");
    let (samples, broken) =
        publish::gallery(dataset, out, &GalleryOptions { title, splits, limit }, |n| bar.set_position(n))?;
    bar.finish_and_clear();
    say!("{}: {samples} samples", out.join("index.html").display());
    if broken > 0 {
        say!("{broken} samples do not decode and are left out: `socio-bench data verify` says why");
    }
    Ok(ExitCode::OK)
}

/// The day, as `2026-11-23`, by the Gregorian calendar (days since 1970 to a date; Howard Hinnant's algorithm).
fn today() -> String {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let days = seconds as i64 / 86_400 + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + carry)
}
