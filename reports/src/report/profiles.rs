//! One run under several profiles, side by side.

use socio_dataset::Level;

use super::lines::{Line, With, lines};
use super::{Options, column, notes};
use crate::digest::Digest;
use crate::metrics::Profile;
use crate::table::{Cell, Row, Table};

/// The figures of a run, a row a profile.
pub fn by_profile(digest: &Digest, profiles: &[Profile], options: &Options) -> Table {
    let rows: Vec<Line<'_>> = lines([digest]);
    let present: Vec<Level> = (Level::ALL.into_iter())
        .filter(|l| rows.iter().any(|line| line.count(|_, e| e.level == Some(*l)) > 0))
        .collect();
    let own = With { profile: super::profile_of(std::slice::from_ref(digest), options), options };
    let mut columns = vec![column("", "Profile")];
    for over in present.iter().map(|l| l.label()).chain(["All"]) {
        columns.extend(own.metrics().iter().map(|m| column(over, &m.label())));
    }
    columns.extend([column("", "n"), column("", "failed")]);
    let row = |profile: &Profile| {
        let with = With { profile: *profile, options };
        let mut cells = vec![Cell::Text(profile.name.to_owned())];
        for line in &rows {
            for level in &present {
                cells.extend(line.cells(with, &with.metrics(), |_, e| e.level == Some(*level)));
            }
            cells.extend(line.cells(with, &with.metrics(), |_, _| true));
            cells.extend([Cell::Count(line.scored()), Cell::Count(line.failed(profile))]);
        }
        Row { group: 0, cells }
    };
    let mut told = vec![format!("The run's own profile is {}.", digest.manifest.profile)];
    told.extend(notes::warnings(&rows));
    told.extend(notes::marks(&rows));
    Table {
        key: "profiles".to_owned(),
        title: format!("{} under each profile: percent, with 95 % intervals", digest.manifest.method.label),
        columns,
        rows: profiles.iter().map(row).collect(),
        notes: told,
        source: notes::source(&rows, own),
    }
}
