//! From OpenStreetMap tags to a class, by the three ranks that `hierarchy.toml` states.

use std::collections::BTreeMap;

use super::{Class, Hierarchy};

/// Keys that refine another tag, and the tags they refine (`key` alone: any value).
const REFINING: [(&str, &[&str]); 12] = [
    ("religion", &["amenity=place_of_worship"]),
    ("sport", &["leisure=pitch", "leisure=sports_centre", "club=sport"]),
    ("museum", &["tourism=museum"]),
    ("government", &["office=government"]),
    ("diplomatic", &["office=diplomatic"]),
    ("theatre:type", &["amenity=theatre"]),
    ("community_centre", &["amenity=community_centre"]),
    ("social_facility", &["amenity=social_facility"]),
    ("garden:type", &["leisure=garden"]),
    ("tower:type", &["man_made=tower"]),
    ("station", &["railway=station"]),
    ("second_hand", &["shop=car"]),
];

/// Keys that say how the ground or the shell is, not what the place is.
const SHAPE: [&str; 3] = ["building", "landuse", "boundary"];

impl Hierarchy {
    /// The class that tags speak of; `None` where they speak of none. Of several the more telling wins: a tag that
    /// refines another, then what the object is, then its shape or ground; of equals the first in the file.
    pub fn of_tags(&self, tags: &BTreeMap<String, String>) -> Option<&Class> {
        let mut best: Option<((u8, usize), &Class)> = None;
        for class in &self.classes {
            for tag in &class.osm {
                let Some(rank) = rank(tag, tags) else { continue };
                if best.is_none_or(|(r, _)| rank < r) {
                    best = Some((rank, class));
                }
            }
        }
        best.map(|(_, class)| class)
    }
}

/// How telling a tag is of an object: 1 to 3, then which of several values it is; `None` where the object does not
/// carry it.
fn rank(tag: &str, tags: &BTreeMap<String, String>) -> Option<(u8, usize)> {
    let (key, value) = tag.split_once('=')?;
    // Several values are written with semicolons, the first the main one.
    let place = |key: &str, value: &str| tags.get(key)?.split(';').position(|v| v.trim() == value);
    let at = place(key, value)?;
    let has = |tag: &str| tag.split_once('=').is_some_and(|(k, v)| place(k, v).is_some());
    if key == "building:use" {
        return tags.contains_key("building").then_some((1, at));
    }
    match REFINING.iter().find(|(k, _)| *k == key) {
        Some((_, bases)) => bases.iter().any(|b| has(b)).then_some((1, at)),
        None => Some((if SHAPE.contains(&key) { 3 } else { 2 }, at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(tags: &[(&str, &str)]) -> Option<String> {
        let tags = tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Hierarchy::embedded().unwrap().of_tags(&tags).map(|c| c.name.clone())
    }

    #[test]
    fn the_more_telling_tag_wins() {
        assert_eq!(class(&[("amenity", "school"), ("religion", "christian"), ("building", "yes")]).unwrap(), "School");
        assert_eq!(class(&[("amenity", "place_of_worship"), ("religion", "hindu")]).unwrap(), "Temple");
        assert_eq!(class(&[("building", "hotel"), ("tourism", "museum")]).unwrap(), "Museum");
        assert_eq!(class(&[("building", "yes")]), None);
        assert_eq!(class(&[]), None);
    }
}
