//! `models`.

use socio_baselines::fetch::{fetch, models};
use socio_record::ExitCode;

use super::{networks, setup};
use crate::cli::ModelsCommand;
use crate::failure::Outcome;
use crate::progress;

pub(crate) fn command(command: ModelsCommand) -> Outcome {
    match command {
        ModelsCommand::List { json } => {
            let all = models()?;
            if json {
                say!("{:#}", serde_json::json!(all));
            } else {
                for m in all {
                    let published = if m.files.iter().all(|f| f.addresses.is_empty()) { "; needs --from" } else { "" };
                    say!("{:12}  {} ({}{published})", m.name, m.about, m.licence);
                }
            }
        }
        ModelsCommand::Fetch { name, from, models } => {
            let root = setup::models_folder(models.as_ref());
            let bar = progress::bar(0, &name);
            let files = fetch(&name, &root, from.as_deref(), |file, done, total| {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(file.to_owned());
            })?;
            bar.finish_and_clear();
            for file in files {
                say!("{}", file.display());
            }
        }
        ModelsCommand::Init { config, out, seed, dtype, tokenizer, json } => {
            return networks::init(&config, &out, seed, dtype, tokenizer.as_deref(), json);
        }
        ModelsCommand::Ask(args) => return networks::ask(&args),
        ModelsCommand::Time(args) => return networks::time(&args),
    }
    Ok(ExitCode::OK)
}
