//! Words that many samples share, kept once.

use std::collections::HashMap;

/// A word of [`Words`].
pub type Word = u32;

/// Scenes, classes, functions and regions, each kept once.
#[derive(Debug, Clone, Default)]
pub struct Words {
    texts: Vec<Box<str>>,
    known: HashMap<Box<str>, Word>,
}

impl Words {
    /// The word of a text.
    pub fn take(&mut self, text: &str) -> Word {
        if let Some(word) = self.known.get(text) {
            return *word;
        }
        let word = self.texts.len() as Word;
        self.texts.push(text.into());
        self.known.insert(text.into(), word);
        word
    }

    /// The text of a word.
    pub fn text(&self, word: Word) -> &str {
        self.texts.get(word as usize).map_or("", |t| t)
    }

    /// The texts in their order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|t| &**t)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The word of a text, where it is known.
    pub fn find(&self, text: &str) -> Option<Word> {
        self.known.get(text).copied()
    }

    /// Numbers the words in the order of their texts, so that nothing depends on the order of a log; returns each old
    /// word's new one.
    pub(super) fn sort(&mut self) -> Vec<Word> {
        let mut order: Vec<usize> = (0..self.texts.len()).collect();
        order.sort_by(|a, b| self.texts[*a].cmp(&self.texts[*b]));
        let mut renamed = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            renamed[*old] = new as Word;
        }
        self.texts.sort();
        for word in self.known.values_mut() {
            *word = renamed[*word as usize];
        }
        renamed
    }
}
