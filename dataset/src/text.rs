//! Comparing texts that were read off pictures.

/// The letters and digits alone, in lower case: readers add and drop spaces and marks.
pub fn letters(text: &str) -> Vec<char> {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The fewest insertions, deletions and replacements that turn one text into the other (Levenshtein).
pub fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(diagonal + usize::from(x != y));
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshteins() {
        let of = |a: &str, b: &str| edit_distance(&letters(a), &letters(b));
        assert_eq!(of("kitten", "Sitting!"), 3);
        assert_eq!(of("", "abc"), 3);
        assert_eq!(of("Party Ofice", "party-office"), 1);
    }
}
