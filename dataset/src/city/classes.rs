//! What the city knows of classes beside the hierarchy: how large they are, how common, and which few show from above.

use crate::Hierarchy;
use crate::hash::{FieldHasher, SplitMix};
use crate::hierarchy::HierarchyError;

/// What of a place shows from above. All but these few look like any other site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    Plain,
    /// A soccer field, some with a running track.
    Pitch,
    /// Tennis, basketball.
    Courts,
    Pool,
    Park,
    Golf,
    Graves,
    Parking,
    Fields,
}

/// A class of the city.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    /// The hierarchy's name.
    pub(crate) name: String,
    pub(crate) function: String,
    /// Square metres that such a place likes to have.
    pub(crate) area: f64,
    pub(crate) sight: Sight,
    /// How common it is among all of its set.
    pub(crate) weight: f64,
}

/// The classes of a set of regions.
#[derive(Debug, Clone)]
pub(crate) struct Classes {
    pub(crate) kinds: Vec<Kind>,
}

/// In-domain classes that the new regions share, as many as in the paper's set (appendix A.1.2).
const SHARED: usize = 56;

const LARGE: [&str; 34] = [
    "School",
    "University",
    "Residential Area",
    "Hospital",
    "Industrial Park",
    "Factory",
    "Scenic Spot",
    "Zoo",
    "Airport",
    "Golf Course",
    "Botanical Garden",
    "Exhibition and Convention Center",
    "Logistics and Express Delivery",
    "Resort",
    "Amusement Park",
    "Port and Dock",
    "Cemetery",
    "Train Station",
    "Long-distance Bus Station",
    "Sanatorium",
    "Home Furnishing and Building Materials Market",
    "Agricultural and Sideline Products Market",
    "Park Square",
    "Scientific Research Institution",
    "Service Area",
    "Picking Garden",
    "prison",
    "military",
    "camp_site",
    "graveyard",
    "vineyard",
    "wastewater_plant",
    "power_station",
    "castle",
];
const SMALL: [&str; 30] = [
    "Bank",
    "Insurance Company",
    "Clinic",
    "Post Office",
    "Guesthouse",
    "Gas Station",
    "Home Appliance and Electronics Store",
    "Clothing/Shoes/Hats Store",
    "Fitness Center",
    "Tennis Court",
    "Basketball Arena",
    "Badminton Court",
    "Swimming Pool",
    "Toll Station",
    "Social Organization",
    "Training Institution",
    "Literary and Art Troupe",
    "Bakery",
    "Restaurant",
    "Car Repair",
    "Kindergarten",
    "Church",
    "fast_food",
    "convenience",
    "car_wash",
    "playground",
    "dog_park",
    "observation_tower",
    "lighthouse",
    "embassy",
];

impl Classes {
    /// All in-domain classes, long-tailed: the n-th is about 1/(n+6) as common, in an order of their own.
    pub(crate) fn in_domain(hierarchy: &Hierarchy) -> Self {
        Self::of(hierarchy.classes.iter().filter(|c| !c.unseen))
    }

    /// The new regions' classes: 56 in-domain ones and the 24 unseen.
    pub(crate) fn new_regions(hierarchy: &Hierarchy) -> Self {
        let shared = Self::in_domain(hierarchy);
        let shared: Vec<&str> =
            shared.kinds.iter().filter(|k| k.name != "Others").take(SHARED).map(|k| k.name.as_str()).collect();
        Self::of(hierarchy.classes.iter().filter(|c| c.unseen || shared.contains(&c.name.as_str())))
    }

    /// The embedded hierarchy's.
    ///
    /// # Errors
    /// Never for a released build.
    pub(crate) fn embedded() -> Result<(Self, Self), HierarchyError> {
        let hierarchy = Hierarchy::embedded()?;
        Ok((Self::in_domain(&hierarchy), Self::new_regions(&hierarchy)))
    }

    fn of<'a>(classes: impl Iterator<Item = &'a crate::hierarchy::Class>) -> Self {
        let mut kinds: Vec<Kind> = classes
            .map(|c| Kind {
                name: c.name.clone(),
                function: c.function.clone(),
                area: area(&c.name),
                sight: sight(&c.name),
                weight: 0.0,
            })
            .collect();
        kinds.sort_by_key(|k| FieldHasher::default().field("how common").field(&k.name).number());
        for (n, kind) in kinds.iter_mut().enumerate() {
            kind.weight = 1.0 / (n as f64 + 6.0);
        }
        Self { kinds }
    }

    /// As many of each class as its weight asks of `count`, and one of each at least where `count` allows; shuffled.
    pub(crate) fn quota(&self, count: usize, random: &mut SplitMix) -> Vec<usize> {
        let whole: f64 = self.kinds.iter().map(|k| k.weight).sum();
        let each = usize::from(count >= self.kinds.len());
        let mut drawn: Vec<usize> = (0..self.kinds.len() * each).collect();
        let count = count - drawn.len();
        let before = drawn.len();
        let mut sum = 0.0;
        for (i, kind) in self.kinds.iter().enumerate() {
            // Rounded sums give each class its share to within one.
            sum += kind.weight / whole * count as f64;
            let until = (libm::round(sum) as usize).min(count);
            drawn.resize((before + until).max(drawn.len()), i);
        }
        drawn.resize(before + count, self.kinds.len().saturating_sub(1));
        shuffle(&mut drawn, random);
        drawn
    }
}

pub(crate) fn shuffle<T>(items: &mut [T], random: &mut SplitMix) {
    for i in (1..items.len()).rev() {
        items.swap(i, random.below(i as u64 + 1) as usize);
    }
}

fn area(class: &str) -> f64 {
    if class == "Soccer Field" {
        9000.0
    } else if LARGE.contains(&class) {
        14_000.0
    } else if SMALL.contains(&class) {
        1300.0
    } else {
        4200.0
    }
}

fn sight(class: &str) -> Sight {
    match class {
        "Soccer Field" => Sight::Pitch,
        "Tennis Court" | "Basketball Arena" | "Badminton Court" => Sight::Courts,
        "Swimming Pool" | "Water Sports Center" => Sight::Pool,
        "Park Square" | "Botanical Garden" | "Scenic Spot" | "Zoo" | "dog_park" | "playground" => Sight::Park,
        "Golf Course" => Sight::Golf,
        "Cemetery" | "graveyard" => Sight::Graves,
        "Parking Lot" | "Service Area" => Sight::Parking,
        "Picking Garden" | "allotments" | "vineyard" => Sight::Fields,
        _ => Sight::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unseen_classes_are_the_new_regions_alone() {
        let hierarchy = Hierarchy::embedded().unwrap();
        let (old, new) = Classes::embedded().unwrap();
        let unseen = |name: &str| hierarchy.class(name).unwrap().unseen;
        assert_eq!(old.kinds.len(), 90);
        assert!(old.kinds.iter().all(|k| !unseen(&k.name)));
        assert_eq!(new.kinds.len(), 80);
        assert_eq!(new.kinds.iter().filter(|k| unseen(&k.name)).count(), 24);
        for name in LARGE.iter().chain(&SMALL) {
            assert!(hierarchy.class(name).is_some(), "{name}");
        }
    }

    #[test]
    fn quotas_are_exact_and_long_tailed() {
        let (old, _) = Classes::embedded().unwrap();
        let drawn = old.quota(5958, &mut SplitMix(1));
        assert_eq!(drawn.len(), 5958);
        let mut counts = vec![0; old.kinds.len()];
        for i in drawn {
            counts[i] += 1;
        }
        // The paper's classes run from about 10 to about 319.
        assert!((18..30).contains(counts.iter().min().unwrap()), "{counts:?}");
        assert!((300..400).contains(counts.iter().max().unwrap()), "{counts:?}");
    }
}
