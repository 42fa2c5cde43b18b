//! Networks that are known by name.

use serde_json::{Value, json};
use socio_models::qwen2_5_vl;
use socio_models::sam::sam1::{EncoderConfig, Sam1Config};
use socio_models::sam::sam2;
use socio_models::sam::tiny_vit::TinyVitConfig;
use socio_models::sam::vit::VitConfig;

use super::shipped;

/// A network that is known by name.
#[derive(Debug, Clone)]
pub struct Known {
    /// The name.
    pub name: String,
    /// Whether it is a vision-language model; else a segmenter.
    pub vlm: bool,
    /// Its repository on the Hugging Face hub, where it has one.
    pub repository: Option<&'static str>,
    /// Its `config.json`, where random weights can be made for it.
    pub config: Value,
}

/// Every network that is known by name.
pub fn known() -> Vec<Known> {
    let mut all = Vec::new();
    for size in qwen2_5_vl::Size::ALL {
        let repository = match size {
            qwen2_5_vl::Size::Tiny => None,
            qwen2_5_vl::Size::B3 => Some("Qwen/Qwen2.5-VL-3B-Instruct"),
            qwen2_5_vl::Size::B7 => Some("Qwen/Qwen2.5-VL-7B-Instruct"),
            qwen2_5_vl::Size::B32 => Some("Qwen/Qwen2.5-VL-32B-Instruct"),
            qwen2_5_vl::Size::B72 => Some("Qwen/Qwen2.5-VL-72B-Instruct"),
        };
        all.push(Known { name: format!("qwen2.5-vl-{}", size.name()), vlm: true, repository, config: size.json() });
    }
    let config = qwen2_5_vl::Size::B3.json();
    let socioreasoner = Some("vvangfaye/SocioReasoner-3B");
    all.push(Known { name: "socioreasoner-3b".to_owned(), vlm: true, repository: socioreasoner, config });
    for (repository, size) in sam2::REPOSITORIES {
        let name = repository.trim_start_matches("facebook/").to_owned();
        all.push(Known { name, vlm: false, repository: Some(repository), config: json!({ "arch": size.config() }) });
    }
    let vit = |config| EncoderConfig::Vit(config);
    let tiny = |config| EncoderConfig::TinyVit(config);
    for (name, repository, encoder) in [
        ("sam-vit-base", Some("facebook/sam-vit-base"), vit(VitConfig::vit_b())),
        ("sam-vit-large", Some("facebook/sam-vit-large"), vit(VitConfig::vit_l())),
        ("sam-vit-huge", Some("facebook/sam-vit-huge"), vit(VitConfig::vit_h())),
        ("mobile-sam", Some("dhkim2810/MobileSAM"), tiny(TinyVitConfig::MOBILE_SAM)),
        ("lite-medsam", None, tiny(TinyVitConfig::LITE_MEDSAM)),
    ] {
        let config = json!(Sam1Config::of_encoder(encoder));
        all.push(Known { name: name.to_owned(), vlm: false, repository, config });
    }
    all.extend(shipped::names().filter_map(|(name, vlm)| {
        Some(Known { name: name.to_owned(), vlm, repository: None, config: shipped::config(name)? })
    }));
    all
}

pub(super) fn by_name(name: &str) -> Option<Known> {
    known().into_iter().find(|k| k.name == name)
}
