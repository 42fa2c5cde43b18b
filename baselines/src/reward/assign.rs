//! The best one-to-one assignment (the Hungarian method with potentials, O(rows^2 columns)).

/// Of a table of gains, `gains[row][column]`, the assignment of rows to columns, each at most once, with the greatest sum;
/// gains are 0 or more. Pairs `(row, column)` in the order of the rows; as many as the shorter side is long.
pub fn assign(gains: &[Vec<f64>]) -> Vec<(usize, usize)> {
    let columns = gains.first().map_or(0, Vec::len);
    if columns == 0 {
        return Vec::new();
    }
    if gains.len() > columns {
        let turned: Vec<Vec<f64>> = (0..columns).map(|c| gains.iter().map(|row| row[c]).collect()).collect();
        let mut pairs: Vec<_> = assign(&turned).into_iter().map(|(c, r)| (r, c)).collect();
        pairs.sort_unstable();
        return pairs;
    }
    // Costs are negated gains. Index 0 stands for nothing; rows and columns count from 1.
    let rows = gains.len();
    let (mut up, mut down) = (vec![0.0; rows + 1], vec![0.0; columns + 1]);
    let mut owner = vec![0usize; columns + 1];
    for row in 1..=rows {
        owner[0] = row;
        let mut at = 0;
        let (mut least, mut from, mut used) =
            (vec![f64::INFINITY; columns + 1], vec![0usize; columns + 1], vec![false; columns + 1]);
        while owner[at] != 0 {
            used[at] = true;
            let (i, mut step, mut next) = (owner[at], f64::INFINITY, 0);
            for j in (1..=columns).filter(|j| !used[*j]) {
                let cost = -gains[i - 1][j - 1] - up[i] - down[j];
                if cost < least[j] {
                    (least[j], from[j]) = (cost, at);
                }
                if least[j] < step {
                    (step, next) = (least[j], j);
                }
            }
            for j in 0..=columns {
                if used[j] {
                    up[owner[j]] += step;
                    down[j] -= step;
                } else {
                    least[j] -= step;
                }
            }
            at = next;
        }
        while at != 0 {
            owner[at] = owner[from[at]];
            at = from[at];
        }
    }
    let mut pairs: Vec<_> = (1..=columns).filter(|j| owner[*j] > 0).map(|j| (owner[j] - 1, j - 1)).collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests {
    use pathfinding::prelude::{Matrix, kuhn_munkres};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against the solver of the crate `pathfinding`, on gains of few values (many ties) and of many.
        #[test]
        fn no_assignment_gains_more(
            (gains, wide) in (1usize..9, 1usize..9, prop::bool::ANY).prop_flat_map(|(rows, columns, coarse)| {
                let most = if coarse { 2i64 } else { 1000 };
                (prop::collection::vec(prop::collection::vec(0..=most, columns), rows), Just(columns))
            })
        ) {
            let table: Vec<Vec<f64>> = gains.iter().map(|row| row.iter().map(|g| *g as f64).collect()).collect();
            let pairs = assign(&table);
            prop_assert_eq!(pairs.len(), gains.len().min(wide));
            for side in [0, 1] {
                let mut seen: Vec<usize> = pairs.iter().map(|p| if side == 0 { p.0 } else { p.1 }).collect();
                seen.sort_unstable();
                seen.dedup();
                prop_assert_eq!(seen.len(), pairs.len());
            }
            let sum: f64 = pairs.iter().map(|(r, c)| table[*r][*c]).sum();
            let matrix = Matrix::from_rows(gains).unwrap();
            let matrix = if matrix.rows > matrix.columns { matrix.transposed() } else { matrix };
            prop_assert_eq!(sum, kuhn_munkres(&matrix).0 as f64);
        }
    }

    #[test]
    fn nothing_is_assigned_to_nothing() {
        assert!(assign(&[]).is_empty() && assign(&[vec![], vec![]]).is_empty());
    }
}
