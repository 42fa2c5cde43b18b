//! What a map shows.

use serde::Deserialize;

/// A point in pixels: x to the right, y down.
pub type Xy = [f64; 2];

/// Where a feature is.
#[derive(Debug, Clone, PartialEq)]
pub enum Geometry {
    /// A spot.
    Point(Xy),
    /// A line of two points or more.
    Line(Vec<Xy>),
    /// Rings, filled by the even-odd rule, so holes may be listed in any order and direction.
    Area(Vec<Vec<Xy>>),
}

/// The class of a road, from the widest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Road {
    /// Motorways and their links.
    Motorway,
    /// Trunk roads.
    Trunk,
    /// Primary roads.
    Primary,
    /// Secondary roads.
    Secondary,
    /// Tertiary roads.
    Tertiary,
    /// Streets that people live in.
    Residential,
    /// Alleys, drives and service roads.
    Service,
    /// Ways for walking and cycling.
    Path,
}

/// What green is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Green {
    /// Parks and gardens.
    Park,
    /// Grass, meadows.
    Grass,
    /// Woods.
    Wood,
    /// Pitches, tracks and courts.
    Pitch,
    /// Cemeteries.
    Cemetery,
}

/// What ground is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Land {
    /// Housing.
    Residential,
    /// Shops and offices.
    Commercial,
    /// Works and stores.
    Industrial,
    /// Schools, universities.
    Education,
    /// Hospitals.
    Medical,
    /// Stations, airports, ports.
    Transport,
    /// Administration, culture, religion.
    Civic,
}

/// The group of a place, which gives its icon a colour: one a function of the hierarchy, and the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Commercial service.
    Commercial,
    /// Sport and cultural.
    Sport,
    /// Administrative.
    Admin,
    /// Park and greenspace.
    Park,
    /// Business office.
    Office,
    /// Transportation stations.
    Transport,
    /// Educational.
    Education,
    /// Industrial.
    Industry,
    /// Medical.
    Medical,
    /// Residential.
    Residential,
    /// All else.
    Other,
}

impl Group {
    /// The group of a function, by the function's text in the hierarchy.
    pub fn of_function(function: &str) -> Self {
        match function {
            "Commercial service" => Self::Commercial,
            "Sport and cultural" => Self::Sport,
            "Administrative" => Self::Admin,
            "Park and greenspace" => Self::Park,
            "Business office" => Self::Office,
            "Transportation stations" => Self::Transport,
            "Educational" => Self::Education,
            "Industrial" => Self::Industry,
            "Medical" => Self::Medical,
            "Residential" => Self::Residential,
            _ => Self::Other,
        }
    }
}

/// What a feature is, and with it how it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A road; lines.
    Road(Road),
    /// A railway; lines.
    Rail,
    /// Water: areas, or lines for streams.
    Water,
    /// Green; areas.
    Green(Green),
    /// Land use; areas.
    Land(Land),
    /// A building; areas.
    Building,
    /// A place with an icon; a point.
    Place {
        /// Its class in the hierarchy, which chooses the icon.
        class: String,
        /// Its group, which chooses the colour.
        group: Group,
    },
    /// The name of a part of town; a point.
    District,
}

/// The names of a feature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// In the script of the place; empty where it has no name.
    pub local: String,
    /// In English (or romanised), where known.
    pub english: Option<String>,
}

/// Something on the map.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub geometry: Geometry,
    /// What it is called.
    pub names: Names,
    /// Who wins the room for a label: the higher first; equal ranks in the order given.
    pub rank: f64,
}
