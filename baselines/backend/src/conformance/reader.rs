//! The kit of map readers.

use socio_dataset::Point;

use super::noise;
use crate::MapReader;

/// Checks a map reader.
pub fn map_reader(reader: &dyn MapReader) -> Vec<String> {
    let mut findings = Vec::new();
    for (width, height) in [(64, 64), (1, 1), (100, 33)] {
        let image = noise(width, height, 3);
        match (reader.read(&image), reader.read(&image)) {
            (Ok(a), Ok(b)) if a != b => findings.push(format!("{width}x{height}: read again, it reads otherwise")),
            (Ok(labels), _) => {
                let inside =
                    |p: &Point| (0.0..=f64::from(width)).contains(&p.x) && (0.0..=f64::from(height)).contains(&p.y);
                if !labels.iter().flat_map(|l| &l.corners).all(inside) {
                    findings.push(format!("{width}x{height}: a label lies outside the map"));
                }
            }
            (Err(e), _) => findings.push(format!("{width}x{height}: {e}")),
        }
    }
    findings
}
