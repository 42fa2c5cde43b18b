//! The command line of `data`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use socio_dataset::Level;

use super::{HubArgs, Layout, SelectArgs};

#[derive(Subcommand)]
pub(crate) enum DataCommand {
    /// From any layout to raw folders or hub parquet
    #[command(after_help = "\
Examples:
  socio-bench data convert SocioSeg_raw SocioSeg --to parquet
  socio-bench data convert hub:vvangfaye/SocioSeg SocioSeg_raw --to raw --split test")]
    Convert {
        /// What to read.
        input: String,
        /// The folder to write.
        out: PathBuf,
        /// The layout to write.
        #[arg(long, value_enum)]
        to: Layout,
        /// Only these splits.
        #[arg(long, value_delimiter = ',')]
        split: Vec<String>,
        /// Bytes of images after which a new parquet file begins, in MiB.
        #[arg(long, default_value_t = 500)]
        shard_mib: usize,
        #[command(flatten)]
        hub: HubArgs,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// Check structure, decoding, sizes, masks, duplicates and leaks between splits
    #[command(
        after_help = "Exits with 21 where there is an error. Codes: docs/data.md.\nExample:\n  socio-bench data verify SocioSeg --json"
    )]
    Verify {
        /// The dataset.
        input: String,
        /// Only these splits.
        #[arg(long, value_delimiter = ',')]
        split: Vec<String>,
        /// Metres that scenes of different splits must be apart, where they have coordinates.
        #[arg(long, default_value_t = 0.0)]
        buffer: f64,
        #[command(flatten)]
        hub: HubArgs,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// Levels, classes, foreground, instances
    Stats {
        /// The dataset.
        input: String,
        /// Only these splits.
        #[arg(long, value_delimiter = ',')]
        split: Vec<String>,
        #[command(flatten)]
        hub: HubArgs,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// A contact sheet: samples with their masks, and what runs made of them
    #[command(after_help = "\
Examples:
  socio-bench data show SocioSeg --limit 12 --out sheet.png
  socio-bench data show SocioSeg --run runs/oracle --ids name_0001,class_0003 --out sheet.png")]
    Show {
        /// The dataset.
        input: String,
        /// The split.
        #[arg(long, default_value = "test")]
        split: String,
        #[command(flatten)]
        select: SelectArgs,
        /// Runs whose masks are drawn, a picture each.
        #[arg(long)]
        run: Vec<PathBuf>,
        /// Samples side by side.
        #[arg(long, default_value_t = 3)]
        columns: u32,
        /// Pixels of a picture's side.
        #[arg(long, default_value_t = 256)]
        side: u32,
        /// The picture, PNG or JPEG by its ending.
        #[arg(long, default_value = "sheet.png")]
        out: PathBuf,
        #[command(flatten)]
        hub: HubArgs,
    },
    /// Build scenes from imagery and vectors, or write the embedded city
    ///
    /// Places are the areas that carry a name, or a class by the hierarchy's OpenStreetMap tags. The set is written whole or
    /// not at all; what was passed over is counted by reason.
    #[command(after_help = "\
Examples:
  socio-bench data build --imagery tiles/ --vectors osm.geojson --out Banepa --only-split test
  socio-bench data build --imagery ortho.tif --vectors city.osm.pbf --out MyCity --attribution '(c) OpenStreetMap contributors'
  socio-bench data build --imagery photo.png --bounds 24.93,60.16,24.95,60.17 --vectors helsinki.osm.pbf --out Kamppi
  socio-bench data build --city samples=13966,new=3200 --out SocioCity")]
    Build(Box<BuildArgs>),
    /// Write a set with its maps restyled: palettes, dark, monochrome, hue, thinner lines, blurred or missing labels, JPEG
    #[command(after_help = "\
Examples:
  socio-bench data restyle SocioSeg SocioSeg_dark --restyle dark@3 --split test
  socio-bench list restyles")]
    Restyle {
        /// The dataset.
        input: String,
        /// The folder to write.
        out: PathBuf,
        /// A kind and a severity from 1 to 5, as dark@3.
        #[arg(long)]
        restyle: socio_dataset::restyle::Restyle,
        /// The layout to write.
        #[arg(long, value_enum, default_value = "parquet")]
        to: Layout,
        /// Only these splits.
        #[arg(long, value_delimiter = ',')]
        split: Vec<String>,
        #[command(flatten)]
        hub: HubArgs,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// Draw a map of OpenStreetMap data, in any style and label language
    #[command(after_help = "\
Example:
  socio-bench data map --vectors helsinki.osm.pbf --centre 24.9414,60.1710 --side 700 --style carto --labels both --layers full --out map.png")]
    Map(Box<MapArgs>),
    /// How far one of the two images of the embedded city alone would lead: three simple probes
    #[command(after_help = "Example:\n  socio-bench data probe --data city:samples=2000 --split test")]
    Probe {
        /// city or city:OPTIONS.
        #[arg(long, default_value = "city")]
        data: String,
        /// The split.
        #[arg(long, default_value = "test")]
        split: String,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// Make a built set ready to publish: dataset card, Croissant metadata, GeoParquet index
    #[command(after_help = "Example:\n  socio-bench data publish MyCity --name my-city --licence apache-2.0")]
    Publish {
        /// A folder of hub parquet.
        folder: PathBuf,
        /// The set's name [default: the folder's].
        #[arg(long)]
        name: Option<String>,
        /// Its licences as the hub writes them, with commas between, as cc-by-4.0,odbl.
        #[arg(long, default_value = "other")]
        licence: String,
        /// How it is to be cited.
        #[arg(long)]
        cite: Option<String>,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// One static page to browse a set: filters, satellite and map under a slider, masks
    #[command(
        after_help = "Example:\n  socio-bench data gallery city --split test --out gallery && xdg-open gallery/index.html"
    )]
    Gallery {
        /// The dataset.
        input: String,
        /// The folder to write.
        #[arg(long, default_value = "gallery")]
        out: PathBuf,
        /// Only these splits [default: all].
        #[arg(long, value_delimiter = ',')]
        split: Vec<String>,
        /// Only the first N samples of each split.
        #[arg(long)]
        limit: Option<usize>,
        #[command(flatten)]
        hub: HubArgs,
    },
}

#[derive(Args)]
pub(crate) struct LookArgs {
    /// Map style: a name (`socio-bench list styles`) or a style file (*.toml).
    #[arg(long, default_value = "pale")]
    pub(crate) style: String,
    /// Language of labels.
    #[arg(long, value_enum, default_value = "english")]
    pub(crate) labels: Labels,
    /// What maps show: roads and places alone, as SocioSeg's, or everything.
    #[arg(long, value_enum, default_value = "places")]
    pub(crate) layers: MapLayers,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Labels {
    /// As written at the place
    Local,
    /// English where known, else local
    English,
    /// Local, and English below
    Both,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum MapLayers {
    /// Roads, rails and places: painted areas would give the masks away
    Places,
    /// Land use, green, water and buildings too
    Full,
}

#[derive(Args)]
pub(crate) struct BuildArgs {
    /// A GeoTIFF, a folder of GeoTIFFs or of XYZ tiles, or a picture with --bounds.
    #[arg(long, required_unless_present = "city", conflicts_with = "city")]
    pub(crate) imagery: Option<PathBuf>,
    /// Where a picture lies: west,south,east,north in degrees.
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) bounds: Vec<f64>,
    /// OpenStreetMap PBF or GeoJSON; several are taken together.
    #[arg(long, required_unless_present = "city", conflicts_with = "city")]
    pub(crate) vectors: Vec<PathBuf>,
    /// Write the embedded city instead, with these options (may be empty): samples, new, seed, size, threads.
    #[arg(long, num_args = 0..=1, default_missing_value = "")]
    pub(crate) city: Option<String>,
    /// With --city: also the test samples in these map styles, as splits of their own.
    #[arg(long, value_delimiter = ',', requires = "city")]
    pub(crate) other_styles: Vec<String>,
    /// The folder to write.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// The layout to write.
    #[arg(long, value_enum, default_value = "parquet")]
    pub(crate) to: Layout,
    #[command(flatten)]
    pub(crate) look: LookArgs,
    /// Satellite views as jpeg with a quality (jpeg92), or png.
    #[arg(long, default_value = "jpeg92")]
    pub(crate) satellite: String,
    /// The region's name.
    #[arg(long, default_value = "real")]
    pub(crate) region: String,
    /// Pixels of a side.
    #[arg(long, default_value_t = 768, value_parser = clap::value_parser!(u32).range(64..=4096))]
    pub(crate) size: u32,
    /// The share of the picture that a chosen place should take.
    #[arg(long, default_value_t = 0.037)]
    pub(crate) share: f64,
    /// The smallest and the largest side of a scene, in metres.
    #[arg(long, value_delimiter = ',', default_values_t = [80.0, 1500.0])]
    pub(crate) sides: Vec<f64>,
    /// Places of fewer pixels are passed over.
    #[arg(long, default_value_t = 400)]
    pub(crate) smallest: u64,
    /// Only these levels: name, class, function.
    #[arg(long, value_delimiter = ',')]
    pub(crate) level: Vec<Level>,
    /// Scenes closer than this many metres go to one split.
    #[arg(long, default_value_t = 500.0)]
    pub(crate) buffer: f64,
    /// Seed of splits and of where windows lie.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Put everything into one split of this name, instead of train, val and test 6 to 1 to 3.
    #[arg(long)]
    pub(crate) only_split: Option<String>,
    /// Where imagery and vectors come from, for the source column.
    #[arg(long, default_value = "")]
    pub(crate) source: String,
    /// Their licences, for the licence column.
    #[arg(long, default_value = "")]
    pub(crate) licence: String,
    /// Whom to name, for the attribution column.
    #[arg(long, default_value = "")]
    pub(crate) attribution: String,
    /// Threads to draw on [default: the number of processors]; the set does not depend on it.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Bytes of images after which a new parquet file begins, in MiB.
    #[arg(long, default_value_t = 500)]
    pub(crate) shard_mib: usize,
    #[arg(long, help = "Print JSON")]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct MapArgs {
    /// OpenStreetMap PBF or GeoJSON; several are taken together.
    #[arg(long, required = true)]
    pub(crate) vectors: Vec<PathBuf>,
    /// The middle: longitude,latitude.
    #[arg(long, value_delimiter = ',', required = true, allow_hyphen_values = true)]
    pub(crate) centre: Vec<f64>,
    /// Metres of a side.
    #[arg(long, default_value_t = 600.0)]
    pub(crate) side: f64,
    /// Pixels of a side.
    #[arg(long, default_value_t = 768, value_parser = clap::value_parser!(u32).range(64..=4096))]
    pub(crate) size: u32,
    #[command(flatten)]
    pub(crate) look: LookArgs,
    /// The satellite view, for styles that lie over one.
    #[arg(long)]
    pub(crate) satellite: Option<PathBuf>,
    /// Where the map goes, PNG or JPEG by its ending.
    #[arg(long, default_value = "map.png")]
    pub(crate) out: PathBuf,
    /// Print what is written on the map, and where, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
