//! Groups: scenes that share an image or a place, or lie near each other.

use std::collections::{BTreeMap, HashMap};

/// What ties a scene to others.
#[derive(Debug, Clone)]
pub struct Located {
    /// Keys of its images and places: scenes with a common key belong together.
    pub keys: Vec<String>,
    /// West, south, east, north on a plane shared by all, where it is anywhere.
    pub bounds: Option<[f64; 4]>,
    /// Metres on the ground for one unit of the plane, at the scene: 1 on a plane in metres, the cosine of the latitude on
    /// Web Mercator.
    pub scale: f64,
}

/// The group of each scene, as the index of its first member: connected components over common keys and over bounds
/// that come closer than `buffer` metres.
pub fn groups(scenes: &[Located], buffer: f64) -> Vec<usize> {
    let mut forest = Forest((0..scenes.len()).collect());
    let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, scene) in scenes.iter().enumerate() {
        for key in &scene.keys {
            let first = *holders.entry(key).or_insert(i);
            forest.join(first, i);
        }
    }
    let placed = || scenes.iter().filter(|s| s.bounds.is_some());
    let largest = placed().filter_map(|s| s.bounds).map(|[w, s, e, n]| (e - w).max(n - s)).fold(1.0, f64::max);
    // The buffer where a unit is shortest, so that no near pair is further apart than a cell.
    let shortest = placed().map(|s| s.scale).fold(1.0, f64::min).max(1e-3);
    let cell = largest + buffer.max(0.0) / shortest;
    let mut cells: HashMap<(i64, i64), Vec<usize>> = HashMap::new();
    for (i, scene) in scenes.iter().enumerate() {
        let Some([west, south, ..]) = scene.bounds else { continue };
        let (x, y) = ((west / cell).floor() as i64, (south / cell).floor() as i64);
        for near in (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (x + dx, y + dy))) {
            for other in cells.get(&near).into_iter().flatten() {
                let near = metres(scene, &scenes[*other]).is_some_and(|gap| gap < buffer || gap == 0.0);
                if near {
                    forest.join(*other, i);
                }
            }
        }
        cells.entry((x, y)).or_default().push(i);
    }
    (0..scenes.len()).map(|i| forest.root(i)).collect()
}

/// Metres on the ground between two scenes, where both are anywhere.
fn metres(a: &Located, b: &Located) -> Option<f64> {
    // Near scenes are of nearly one scale; of far ones no exact distance is asked.
    Some(gap(a.bounds?, b.bounds?) * f64::midpoint(a.scale, b.scale))
}

/// The distance of two rectangles; zero where they touch or overlap.
fn gap(a: [f64; 4], b: [f64; 4]) -> f64 {
    let dx = (a[0] - b[2]).max(b[0] - a[2]).max(0.0);
    let dy = (a[1] - b[3]).max(b[1] - a[3]).max(0.0);
    libm::hypot(dx, dy)
}

struct Forest(Vec<usize>);

impl Forest {
    fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    /// The smaller index stays the root, so a group's name does not depend on the order of joining.
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(x: f64, y: f64, side: f64) -> Located {
        Located { keys: Vec::new(), bounds: Some([x, y, x + side, y + side]), scale: 1.0 }
    }

    #[test]
    fn near_scenes_and_scenes_with_a_common_place_belong_together() {
        let mut scenes =
            vec![at(0.0, 0.0, 100.0), at(550.0, 0.0, 100.0), at(5000.0, 0.0, 100.0), at(9000.0, 0.0, 100.0)];
        assert_eq!(groups(&scenes, 500.0), [0, 0, 2, 3]);
        assert_eq!(groups(&scenes, 400.0), [0, 1, 2, 3]);
        scenes[0].keys.push("way/1".to_owned());
        scenes[3].keys.push("way/1".to_owned());
        assert_eq!(groups(&scenes, 0.0), [0, 1, 2, 0]);
        assert!(groups(&[], 500.0).is_empty());
    }

    #[test]
    fn distances_are_of_the_ground_in_every_direction() {
        // 400 m apart to the north-east and to the south-east, far from the origin of Web Mercator.
        for (dx, dy) in [(283.0_f64, 283.0_f64), (283.0, -283.0)] {
            let lat = 31.0_f64.to_radians();
            let scale = libm::cos(lat);
            let (x, y) = (13_358_338.9, 3_632_749.1);
            let place = |x: f64, y: f64| Located { scale: scale + y * 1e-12, ..at(x, y, 100.0 / scale) };
            let scenes = [place(x, y), place(x + (dx + 100.0) / scale, y + (dy + dy.signum() * 100.0) / scale)];
            assert_eq!(groups(&scenes, 500.0), [0, 0], "{dx} {dy}");
            assert_eq!(groups(&scenes, 390.0), [0, 1], "{dx} {dy}");
        }
    }

    proptest! {
        #[test]
        fn it_is_the_closure_of_all_pairs(
            places in proptest::collection::vec((0.0..6000.0f64, 0.0..6000.0f64, 20.0..900.0f64), 1..60),
            buffer in 0.0..700.0f64,
        ) {
            let scenes: Vec<Located> = places.iter().map(|(x, y, s)| at(*x, *y, *s)).collect();
            let found = groups(&scenes, buffer);
            let mut slow: Vec<usize> = (0..scenes.len()).collect();
            for i in 0..scenes.len() {
                for j in 0..i {
                    let near = gap(scenes[i].bounds.unwrap(), scenes[j].bounds.unwrap());
                    if near < buffer || near == 0.0 {
                        let (a, b) = (slow[i], slow[j]);
                        slow.iter_mut().filter(|g| **g == a.max(b)).for_each(|g| *g = a.min(b));
                    }
                }
            }
            prop_assert_eq!(found, slow);
        }
    }
}
