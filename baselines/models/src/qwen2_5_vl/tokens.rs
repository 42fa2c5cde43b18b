//! Text to token ids and back.

use std::path::Path;

use serde_json::{Value, json};

use crate::{ModelError, Result};

/// The first id that Qwen2.5-VL does not have. Files of Qwen3 add `<think>`, `</think>` and two more from here on and
/// are equal up to it; Qwen2.5-VL splits these into ordinary tokens, and every prompt of SocioReasoner holds them.
const END: u32 = 151_665;

/// The special tokens that prompts are made of, in the order in which [`Tokenizer::bytes`] has them.
const NEEDED: [&str; 6] =
    ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"];

/// The byte-level BPE of a Qwen2.5-VL.
///
/// Special tokens are never read from text: they are put between pieces of text by their names. Tokens that the file
/// adds without calling them special (`<tool_call>`, `<|fim_prefix|>`) are read, as in the reference; they end no turn
/// and bring no picture.
#[derive(Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    stops: [u32; 2],
}

impl Tokenizer {
    /// Ids of [`Self::bytes`].
    pub const BYTES: usize = 256 + NEEDED.len();

    /// Reads a `tokenizer.json`, without the tokens that it adds from id 151,665 on (those are Qwen3's).
    ///
    /// # Errors
    /// When the file is missing or is no tokenizer, or lacks a special token that prompts are made of.
    pub fn load(path: &Path) -> Result<Self> {
        let file = |why: String| ModelError::File { path: path.to_owned(), why };
        let bytes = std::fs::read(path).map_err(|e| file(e.to_string()))?;
        Self::parse(&bytes, path)
    }

    /// The same from the file's text; messages call it `name`.
    ///
    /// # Errors
    /// When it is no tokenizer, or lacks a special token that prompts are made of.
    pub fn parse(text: &[u8], name: &Path) -> Result<Self> {
        let file = |why: String| ModelError::File { path: name.to_owned(), why };
        let value = serde_json::from_slice(text).map_err(|e| file(e.to_string()))?;
        Self::of(value).map_err(file)
    }

    /// A tokenizer for tiny random models, made without a file: ids 0 to 255 are the bytes of UTF-8 text, those after
    /// them the six special tokens that prompts are made of, from `<|endoftext|>` (256) to `<|image_pad|>` (261).
    ///
    /// # Errors
    /// Never, unless the library changes what it reads.
    pub fn bytes() -> Result<Self> {
        Self::with_words(&[])
    }

    /// [`Self::bytes`] with words of its own after the special tokens, in their order: wherever a text holds one, it is one
    /// token; of several that begin at one place the longest.
    ///
    /// # Errors
    /// When two words are the same, or one is empty or a token already.
    pub fn with_words(words: &[String]) -> Result<Self> {
        let vocab: serde_json::Map<String, Value> =
            (0..=u8::MAX).map(|byte| (letter(byte).to_string(), json!(byte))).collect();
        let added = NEEDED.map(|name| (name, true)).into_iter().chain(words.iter().map(|word| (word.as_str(), false)));
        let added: Vec<Value> = (256..)
            .zip(added)
            .map(|(id, (name, special))| {
                json!({"id": id, "content": name, "special": special, "normalized": false, "single_word": false,
                    "lstrip": false, "rstrip": false})
            })
            .collect();
        let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
        let value = json!({
            "version": "1.0",
            "added_tokens": added,
            "normalizer": null,
            "pre_tokenizer": level,
            "post_processor": null,
            "decoder": level,
            "model": {"type": "BPE", "vocab": vocab, "merges": []},
        });
        Self::of(value).map_err(|why| ModelError::op("tokenizer", why))
    }

    fn of(mut value: Value) -> std::result::Result<Self, String> {
        let file = value.as_object_mut().ok_or("is no JSON object")?;
        // A file may ask for all texts to be cut or filled to a length.
        file.remove("truncation");
        file.remove("padding");
        let added = file.get_mut("added_tokens").and_then(Value::as_array_mut).ok_or("has no list `added_tokens`")?;
        added.retain(|token| token["id"].as_u64().is_some_and(|id| id < u64::from(END)));
        let added = added.clone();
        let mut inner: tokenizers::Tokenizer = serde_json::from_value(value).map_err(|e| e.to_string())?;
        // The library counts ids itself and does not mind where the file has others.
        for token in &added {
            let (name, id) = (token["content"].as_str().unwrap_or_default(), token["id"].as_u64());
            let found = inner.token_to_id(name).map(u64::from);
            if found != id {
                return Err(format!("gives `{name}` the id {id:?}, but the tokens before it lead to {found:?}"));
            }
        }
        inner.set_encode_special_tokens(true);
        let special = |name: &str| {
            let special = inner.get_added_vocabulary().is_special_token(name);
            inner.token_to_id(name).filter(|_| special).ok_or_else(|| format!("has no special token `{name}`"))
        };
        for name in NEEDED {
            special(name)?;
        }
        let stops = [special("<|im_end|>")?, special("<|endoftext|>")?];
        Ok(Self { inner, stops })
    }

    /// The `tokenizer.json` that [`Self::load`] reads the same tokenizer from.
    ///
    /// # Errors
    /// When the library fails.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(&self.inner).map_err(|e| ModelError::op("tokenizer", e))
    }

    /// The ids of a text. Composed characters are composed first (NFC) where the file says so; nothing is added.
    ///
    /// # Errors
    /// When the library fails.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, false).map_err(|e| ModelError::op("tokenizer", e))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of ids. Special tokens and ids without a token are left out, bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// When the library fails.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, true).map_err(|e| ModelError::op("tokenizer", e))
    }

    /// The id of a special token, as `<|image_pad|>`.
    ///
    /// # Errors
    /// When there is no such token.
    pub fn special(&self, name: &str) -> Result<u32> {
        let id = self.inner.token_to_id(name).filter(|_| self.inner.get_added_vocabulary().is_special_token(name));
        id.ok_or_else(|| ModelError::Input(format!("the tokenizer has no special token `{name}`")))
    }

    /// The tokens that end an answer: `<|im_end|>` and `<|endoftext|>`.
    pub fn stops(&self) -> [u32; 2] {
        self.stops
    }

    /// Number of ids; an embedding table has at least so many rows.
    pub fn size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }
}

/// The letter that stands for a byte in byte-level vocabularies: itself where it is printable Latin-1 other than a
/// space or soft hyphen, or else the next one from U+0100 on.
fn letter(byte: u8) -> char {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|b| !printable(*b)).count() as u32;
    char::from_u32(0x100 + before).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_are_their_own_ids() {
        let tokenizer = Tokenizer::bytes().unwrap();
        assert_eq!(tokenizer.encode("a ü\n").unwrap(), [97, 32, 0xC3, 0xBC, 10]);
        assert_eq!(tokenizer.size(), Tokenizer::BYTES);
        assert_eq!(NEEDED.map(|name| tokenizer.special(name).unwrap()), [256, 257, 258, 259, 260, 261]);
        assert_eq!(tokenizer.stops(), [258, 256]);
        assert!(tokenizer.special("a").is_err());
        assert_eq!(tokenizer.decode(&[257, 104, 105, 0xFF, 258, 9999]).unwrap(), "hi\u{FFFD}");
    }

    #[test]
    fn words_are_one_token_each() {
        let words = ["Hospital", "12", "123", ", ", ". Please"].map(str::to_owned);
        let tokenizer = Tokenizer::with_words(&words).unwrap();
        let text = "A Hospital123, 12. Pleas 1. Please";
        let ids = tokenizer.encode(text).unwrap();
        let id = |i: u32| Tokenizer::BYTES as u32 + i;
        assert_eq!(&ids[..6], [65, 32, id(0), id(2), id(3), id(1)]);
        assert_eq!(ids.last(), Some(&id(4)));
        assert_eq!(tokenizer.decode(&ids).unwrap(), text);
        assert_eq!(tokenizer.size(), Tokenizer::BYTES + words.len());
        assert!(Tokenizer::with_words(&["a".to_owned()]).is_err());
        assert!(Tokenizer::with_words(&["aa".to_owned(), "aa".to_owned()]).is_err());
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        let tokenizer = Tokenizer::bytes().unwrap();
        std::fs::write(&path, tokenizer.to_json().unwrap()).unwrap();
        let again = Tokenizer::load(&path).unwrap();
        assert_eq!(again.encode("<|im_end|>").unwrap(), tokenizer.encode("<|im_end|>").unwrap());
        assert_eq!((again.stops(), again.size()), (tokenizer.stops(), tokenizer.size()));
    }

    #[test]
    fn files_that_are_none_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        let tell = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Tokenizer::load(&path).err().unwrap().to_string()
        };
        let good = Tokenizer::bytes().unwrap().to_json().unwrap();
        assert!(tell("{").contains("tokenizer.json"));
        assert!(tell("{}").contains("added_tokens"));
        assert!(tell("[]").contains("tokenizer.json"));
        assert!(tell(&good.replace("<|image_pad|>", "<|picture|>")).contains("`<|image_pad|>`"));
        assert!(tell(&good.replace("\"id\":261", "\"id\":300")).contains("300"));
        assert!(Tokenizer::load(&folder.path().join("none.json")).is_err());
    }

    proptest! {
        #[test]
        fn text_comes_back(text: String) {
            let tokenizer = Tokenizer::bytes().unwrap();
            let ids = tokenizer.encode(&text).unwrap();
            prop_assert_eq!(ids.len(), text.len());
            prop_assert_eq!(tokenizer.decode(&ids).unwrap(), text);
        }
    }
}
