//! The paper's published numbers, Tables 1 to 10, as one data file: `paper.toml`.

use serde::Deserialize;

use crate::metrics::Metric;

const TEXT: &str = include_str!("../paper.toml");

/// One published row of one setting.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Row {
    /// The table's number, `1` to `10`.
    pub table: String,
    /// A table that prints the same row again.
    pub also: Option<String>,
    /// The method as the paper names it.
    pub method: String,
    /// `id`, `ood-map-style` or `ood-region`.
    pub dataset: Option<String>,
    /// `socio-name`, `socio-class`, `socio-function`, `all`, or `multi-class:...`.
    pub setting: Option<String>,
    /// Percent.
    pub ciou: Option<f64>,
    /// Percent.
    pub giou: Option<f64>,
    /// Percent.
    pub f1: Option<f64>,
    /// Seconds a sample (Table 8).
    pub seconds: Option<f64>,
    /// `both` or `satellite`: which images the method saw.
    pub images: Option<String>,
    /// A remark.
    pub note: Option<String>,
}

impl Row {
    /// What it prints of a metric. The paper names no rule of instances: its F1 stands beside each of ours.
    pub fn figure(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Ciou => self.ciou,
            Metric::Giou => self.giou,
            Metric::F1(_) => self.f1,
            Metric::Precision(_) | Metric::Recall(_) => None,
        }
    }
}

/// How many samples a level has, and the foreground that whole-image rows imply.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SampleCount {
    /// The level.
    pub setting: String,
    /// Samples in all splits.
    pub total: u64,
    /// Mean foreground share of the test samples, in percent.
    pub foreground_percent: f64,
}

/// The weights with which a metric's levels make up its All column.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Fit {
    /// `ciou`, `giou` or `f1`.
    pub metric: String,
    /// Weight of socio-name.
    pub name: f64,
    /// Weight of socio-class.
    pub class: f64,
    /// Weight of socio-function.
    pub function: f64,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Paper {
    /// Where the numbers are from.
    pub source: String,
    /// The rows of the tables.
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
    /// Samples by level.
    #[serde(rename = "sample_count")]
    pub sample_counts: Vec<SampleCount>,
    /// Fitted weights.
    #[serde(rename = "fit")]
    pub fits: Vec<Fit>,
}

impl Paper {
    /// The file that comes with socio-bench.
    ///
    /// # Errors
    /// Never for a released build: a test parses the embedded file.
    pub fn embedded() -> Result<Self, toml::de::Error> {
        toml::from_str(TEXT)
    }

    /// The methods of a table, in the paper's order.
    pub fn methods(&self, number: &str) -> Vec<&str> {
        let mut methods = Vec::new();
        for row in self.table(number) {
            if !methods.contains(&row.method.as_str()) {
                methods.push(row.method.as_str());
            }
        }
        methods
    }

    /// The rows of a table, in the paper's order.
    pub fn table(&self, number: &str) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |r| r.table == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A metric of Table 1 by method: name, class, function, all.
    fn levels(paper: &Paper, of: fn(&Row) -> Option<f64>) -> Vec<(String, [f64; 4])> {
        let mut methods: Vec<(String, [f64; 4])> = Vec::new();
        for row in paper.table("1") {
            let at = ["socio-name", "socio-class", "socio-function", "all"]
                .iter()
                .position(|s| Some(*s) == row.setting.as_deref())
                .unwrap();
            if methods.last().is_none_or(|(m, _)| *m != row.method) {
                methods.push((row.method.clone(), [f64::NAN; 4]));
            }
            methods.last_mut().unwrap().1[at] = of(row).unwrap();
        }
        methods
    }

    /// The largest distance between the All column and the levels under weights (normalised to sum 1).
    fn residual(rows: &[(String, [f64; 4])], weights: [f64; 3]) -> f64 {
        let sum: f64 = weights.iter().sum();
        let implied = |r: &[f64; 4]| (0..3).map(|i| r[i] * weights[i] / sum).sum::<f64>();
        rows.iter().map(|(_, r)| (implied(r) - r[3]).abs()).fold(0.0, f64::max)
    }

    /// Least squares of All on the three levels with weights that sum to one.
    fn fitted(rows: &[(String, [f64; 4])]) -> [f64; 3] {
        let (mut a, mut b, mut c, mut d, mut e) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (_, r) in rows {
            let (x, y, z) = (r[0] - r[1], r[2] - r[1], r[3] - r[1]);
            a += x * x;
            b += x * y;
            c += y * y;
            d += x * z;
            e += y * z;
        }
        let determinant = a * c - b * b;
        let (name, function) = ((d * c - e * b) / determinant, (e * a - d * b) / determinant);
        [name, 1.0 - name - function, function]
    }

    #[test]
    fn all_ten_tables_are_there() {
        let paper = Paper::embedded().unwrap();
        let count = |n: &str| paper.table(n).count();
        assert_eq!(["1", "2", "3", "4", "7", "8", "9", "10"].map(count), [40, 12, 12, 12, 10, 8, 16, 4]);
        assert!(paper.table("2").all(|r| r.also.as_deref() == Some("5")));
        assert!(paper.table("3").all(|r| r.also.as_deref() == Some("6")));
        let ours = paper.table("1").find(|r| r.method == "SocioReasoner-3B" && r.setting.as_deref() == Some("all"));
        let ours = ours.unwrap();
        assert_eq!((ours.ciou, ours.giou, ours.f1), (Some(47.9), Some(52.8), Some(59.7)));
    }

    #[test]
    fn the_published_numbers_support_pooling_and_no_more() {
        let paper = Paper::embedded().unwrap();
        let total: f64 = paper.sample_counts.iter().map(|c| c.total as f64).sum();
        let by = |of: &dyn Fn(&SampleCount) -> f64| -> [f64; 3] {
            ["socio-name", "socio-class", "socio-function"]
                .map(|s| paper.sample_counts.iter().find(|c| c.setting == s).map(of).unwrap())
        };
        let samples = by(&|c| c.total as f64 / total);
        let areas = by(&|c| c.total as f64 * c.foreground_percent);
        let (ciou, giou, f1) = (levels(&paper, |r| r.ciou), levels(&paper, |r| r.giou), levels(&paper, |r| r.f1));
        // gIoU: a plain mean over samples explains every row to the tables' rounding.
        assert!(residual(&giou, samples) < 0.10, "{}", residual(&giou, samples));
        // cIoU: sample shares do not, shares of the true area (what pooling weighs by) do.
        assert!(residual(&ciou, samples) > 0.4, "{}", residual(&ciou, samples));
        assert!(residual(&ciou, areas) < 0.11, "{}", residual(&ciou, areas));
        // F1: no mean over samples either; weights that rise with the instances of a sample fit.
        assert!(residual(&f1, samples) > 0.35, "{}", residual(&f1, samples));
        for (metric, rows, most) in [("giou", &giou, 0.05), ("ciou", &ciou, 0.10), ("f1", &f1, 0.09)] {
            let told = paper.fits.iter().find(|f| f.metric.to_lowercase() == metric).unwrap();
            assert!(residual(rows, [told.name, told.class, told.function]) < most, "{metric}");
            let own = fitted(rows);
            assert!(residual(rows, own) < most + 0.02, "{metric}: {own:?}");
            assert!((own[0] - told.name).abs() < 0.03 && (own[2] - told.function).abs() < 0.03, "{metric}: {own:?}");
        }
        // An IoU threshold: a method that marks everything (cIoU = gIoU) has F1 0, where its pixel F1 would be about 7.
        let whole: Vec<_> = paper.table("1").filter(|r| r.method == "SegEarth-OV").collect();
        assert!(whole.iter().all(|r| r.ciou == r.giou && r.f1 == Some(0.0)));
    }
}
