//! The regions of the city: how streets run, what they are called, how they look from above.

use super::layout::Morphology;

/// A region.
#[derive(Debug)]
pub(crate) struct Region {
    /// Its name, as in the region column.
    pub(crate) name: &'static str,
    /// How its streets run.
    pub(crate) morphology: Morphology,
    /// The language of its signs, an id of `words.toml`.
    pub(crate) language: &'static str,
    /// The colours of its ground: of soil, grass, paving, asphalt.
    pub(crate) ground: [[u8; 3]; 4],
    /// The colours of its roofs.
    pub(crate) roofs: &'static [[u8; 3]],
    /// Trees for 1000 square metres of open ground.
    pub(crate) trees: f64,
    /// Where shadows fall: a unit vector on the picture (y down), and metres of shadow a metre of height.
    pub(crate) shadow: ([f64; 2], f64),
    /// Metres of sides of the smallest parcels.
    pub(crate) parcel: [f64; 2],
    /// The share of sites that are places with a name, an icon and a class.
    pub(crate) named: f64,
}

/// The regions that training, validation and test share.
pub(crate) const IN_DOMAIN: [Region; 2] = [
    Region {
        name: "superblocks",
        morphology: Morphology::Superblocks,
        language: "zh",
        ground: [[134, 124, 108], [98, 112, 74], [158, 154, 148], [104, 104, 106]],
        roofs: &[[176, 172, 166], [150, 146, 142], [128, 120, 116], [120, 134, 154], [170, 96, 78], [196, 192, 184]],
        trees: 4.5,
        shadow: ([-0.55, -0.835], 0.62),
        parcel: [34.0, 62.0],
        named: 0.34,
    },
    Region {
        name: "grid",
        morphology: Morphology::Grid,
        language: "zh",
        ground: [[140, 130, 116], [102, 114, 80], [150, 148, 144], [110, 110, 110]],
        roofs: &[[158, 152, 146], [182, 178, 172], [140, 92, 78], [112, 110, 112], [96, 118, 140], [188, 170, 148]],
        trees: 3.4,
        shadow: ([-0.62, -0.785], 0.55),
        parcel: [22.0, 44.0],
        named: 0.26,
    },
];

/// The regions that only the new-region set has.
pub(crate) const NEW: [Region; 3] = [
    Region {
        name: "radial",
        morphology: Morphology::Radial,
        language: "ru",
        ground: [[122, 114, 104], [86, 104, 72], [140, 138, 136], [92, 92, 96]],
        roofs: &[[132, 124, 120], [150, 104, 86], [104, 112, 120], [166, 160, 156], [118, 132, 116]],
        trees: 6.0,
        shadow: ([-0.35, -0.937], 1.05),
        parcel: [26.0, 50.0],
        named: 0.28,
    },
    Region {
        name: "organic",
        morphology: Morphology::Organic,
        language: "pt",
        ground: [[160, 128, 100], [112, 118, 70], [176, 164, 148], [122, 118, 114]],
        roofs: &[[188, 112, 82], [174, 96, 70], [198, 130, 98], [160, 90, 72], [186, 176, 164]],
        trees: 2.8,
        shadow: ([0.45, -0.893], 0.42),
        parcel: [16.0, 32.0],
        named: 0.2,
    },
    Region {
        name: "sprawl",
        morphology: Morphology::Sprawl,
        language: "ja",
        ground: [[148, 140, 122], [108, 126, 78], [168, 168, 168], [118, 118, 122]],
        roofs: &[[98, 104, 118], [124, 112, 108], [146, 140, 138], [84, 90, 96], [150, 116, 100], [104, 128, 138]],
        trees: 5.2,
        shadow: ([0.2, -0.98], 0.58),
        parcel: [18.0, 30.0],
        named: 0.18,
    },
];

/// A region by its number in a plan: the in-domain ones first.
pub(crate) fn region(index: usize) -> &'static Region {
    IN_DOMAIN.get(index).unwrap_or_else(|| &NEW[(index - IN_DOMAIN.len()) % NEW.len()])
}
