//! Whether two names are of one model.

/// Whether a server's name is the one that was asked for: the same text; or the same last part of a path, since a server
/// may name the folder it was started with; without a revision, which `transformers serve` adds (`NAME@main`).
pub(crate) fn same(asked: &str, told: &str) -> bool {
    asked == told || last(asked) == last(told)
}

fn last(name: &str) -> &str {
    let name = name.trim_end_matches('/');
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn folders_owners_and_revisions_do_not_matter() {
        for (asked, told) in [
            ("Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen2.5-VL-3B-Instruct"),
            ("Qwen/Qwen2.5-VL-3B-Instruct", "/models/Qwen2.5-VL-3B-Instruct/"),
            ("Qwen2.5-VL-3B-Instruct", "Qwen/Qwen2.5-VL-3B-Instruct@main"),
            ("./tiny", "/tmp/tiny@main"),
        ] {
            assert!(same(asked, told) && same(told, asked), "{asked} {told}");
        }
        for (asked, told) in [
            ("Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"),
            ("Qwen2.5-VL-3B", "Qwen2.5-VL-3B-Instruct"),
            ("qwen", "Qwen"),
            ("a", ""),
        ] {
            assert!(!same(asked, told), "{asked} {told}");
        }
    }
}
