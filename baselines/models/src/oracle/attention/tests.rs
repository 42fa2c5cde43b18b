use crate::oracle::Plain;
use crate::{DType, Mask, ModelError, Tensor};

fn plain(values: &[f32], shape: &[usize]) -> Plain {
    Plain::new(values.to_vec(), shape, DType::F32, &()).unwrap()
}

/// Values that differ and are neither all positive nor in order.
fn waves(shape: &[usize], phase: f32) -> Plain {
    let count = shape.iter().product::<usize>();
    plain(&(0..count).map(|i| (i as f32 * 1.7 + phase).sin()).collect::<Vec<_>>(), shape)
}

#[track_caller]
fn near(found: &Plain, expected: &Plain) {
    assert_eq!(found.shape(), expected.shape());
    let (a, b) = (found.values().unwrap(), expected.values().unwrap());
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?}, not {b:?}");
}

/// Which keys each query gives weight to, all equal: keys are zeros, so that a score is what the mask says.
fn weights(batch: usize, length: usize, key_length: usize, mask: Mask<'_, Plain>) -> Result<Vec<f32>, ModelError> {
    let query = waves(&[batch, 1, length, 2], 0.0);
    let key = Plain::zeros(&[batch, 1, key_length, 2], DType::F32, &())?;
    let one = |i: usize| if i.is_multiple_of(key_length + 1) { 1.0 } else { 0.0 };
    let identity: Vec<f32> = (0..key_length * key_length).map(one).collect();
    let value = plain(&identity, &[1, 1, key_length, key_length]).expand(&[batch, 1, key_length, key_length])?;
    query.attention(&key, &value, 1.0, mask)?.values()
}

/// The square (or oblong) of biases that leaves out what `seen` does not see.
fn bias(batch: usize, length: usize, key_length: usize, seen: impl Fn(usize, usize, usize) -> bool) -> Plain {
    let mut values = Vec::new();
    for b in 0..batch {
        for i in 0..length {
            values.extend((0..key_length).map(|j| if seen(b, i, j) { 0.0 } else { f32::NEG_INFINITY }));
        }
    }
    plain(&values, &[batch, 1, length, key_length])
}

#[test]
fn scores_are_scaled_and_weigh_the_values() {
    // Scores ln 3 and 0 after scaling: weights 3/4 and 1/4.
    let query = plain(&[1.0, 1.0], &[1, 1, 1, 2]);
    let key = plain(&[3.0_f32.ln(), 3.0_f32.ln(), 0.0, 0.0], &[1, 1, 2, 2]);
    let value = plain(&[4.0, 0.0, 8.0, 8.0, 4.0, 0.0], &[1, 1, 2, 3]);
    near(&query.attention(&key, &value, 0.5, Mask::None).unwrap(), &plain(&[5.0, 1.0, 6.0], &[1, 1, 1, 3]));
}

#[test]
fn query_heads_share_key_heads_in_runs() {
    let (query, key, value) = (waves(&[2, 4, 3, 2], 0.0), waves(&[2, 2, 5, 2], 1.0), waves(&[2, 2, 5, 3], 2.0));
    let [all_keys, all_values] = [&key, &value].map(|x| x.select(1, &[0, 0, 1, 1]).unwrap());
    let found = query.attention(&key, &value, 0.7, Mask::None).unwrap();
    near(&found, &query.attention(&all_keys, &all_values, 0.7, Mask::None).unwrap());
    assert!(query.narrow(1, 0, 3).unwrap().attention(&key, &value, 0.7, Mask::None).is_err());
}

#[test]
fn causal_queries_see_up_to_themselves() {
    let third = 1.0 / 3.0;
    let found = weights(1, 3, 3, Mask::Causal { starts: &[] }).unwrap();
    assert_eq!(found, [1.0, 0.0, 0.0, 0.5, 0.5, 0.0, third, third, third]);
    // Two new queries behind two keys of a cache.
    let found = weights(1, 2, 4, Mask::Causal { starts: &[] }).unwrap();
    assert_eq!(found, [third, third, third, 0.0, 0.25, 0.25, 0.25, 0.25]);
    assert!(weights(1, 3, 2, Mask::Causal { starts: &[] }).is_err());
}

#[test]
fn causal_queries_do_not_see_what_is_before_their_start() {
    let found = weights(2, 3, 3, Mask::Causal { starts: &[1, 2] }).unwrap();
    // The first one and the first two are padding, which sees itself.
    let first = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.5, 0.5];
    let second = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    assert_eq!(found, [first, second].concat());
    let found = weights(2, 1, 4, Mask::Causal { starts: &[0, 2] }).unwrap();
    assert_eq!(found, [0.25, 0.25, 0.25, 0.25, 0.0, 0.0, 0.5, 0.5]);
    assert_eq!(weights(1, 1, 2, Mask::Causal { starts: &[9] }).unwrap(), [0.0, 1.0]);
    assert!(weights(2, 3, 3, Mask::Causal { starts: &[1] }).is_err());
}

#[test]
fn masks_are_what_the_same_biases_are() {
    let (query, key, value) = (waves(&[2, 2, 6, 4], 0.0), waves(&[2, 1, 6, 4], 1.0), waves(&[2, 1, 6, 4], 2.0));
    let attention = |mask| query.attention(&key, &value, 0.5, mask).unwrap();
    let causal = bias(2, 6, 6, |b, i, j| j == i || (j <= i && j >= [0, 2][b]));
    near(&attention(Mask::Causal { starts: &[0, 2] }), &attention(Mask::Bias(&causal)));
    let block = |at: usize| usize::from(at >= 2) + usize::from(at >= 5);
    let blocks = bias(1, 6, 6, |_, i, j| block(i) == block(j));
    near(&attention(Mask::Blocks(&[2, 3, 1])), &attention(Mask::Bias(&blocks)));
    near(&attention(Mask::Blocks(&[0, 6])), &attention(Mask::None));
}

#[test]
fn blocks_have_to_fill_queries_and_keys() {
    let found = weights(1, 3, 3, Mask::Blocks(&[1, 2])).unwrap();
    assert_eq!(found, [1.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.5, 0.5]);
    for blocks in [&[1, 1][..], &[2, 2], &[], &[usize::MAX, 4]] {
        assert!(weights(1, 3, 3, Mask::Blocks(blocks)).is_err());
    }
    assert!(weights(1, 2, 3, Mask::Blocks(&[2])).is_err());
}

#[test]
fn a_grid_is_the_sum_of_its_rows_and_columns() {
    // A grid 2 x 3 of keys for five queries.
    let (query, key, value) = (waves(&[2, 2, 5, 4], 0.0), waves(&[2, 2, 6, 4], 1.0), waves(&[2, 2, 6, 4], 2.0));
    let (rows, columns) = (waves(&[2, 2, 5, 2], 3.0), waves(&[2, 2, 5, 3], 4.0));
    let wide = |x: &Plain, shape: &[usize]| x.reshape(shape).unwrap().expand(&[2, 2, 5, 2, 3]).unwrap();
    let sum = wide(&rows, &[2, 2, 5, 2, 1]).add(&wide(&columns, &[2, 2, 5, 1, 3])).unwrap();
    let sum = sum.reshape(&[2, 2, 5, 6]).unwrap();
    let found = query.attention(&key, &value, 0.5, Mask::Grid { rows: &rows, columns: &columns }).unwrap();
    near(&found, &query.attention(&key, &value, 0.5, Mask::Bias(&sum)).unwrap());
    let swapped = Mask::Grid { rows: &columns, columns: &rows };
    assert!(query.attention(&key, &value, 0.5, swapped).unwrap().values().unwrap() != found.values().unwrap());
    let short = rows.narrow(2, 0, 4).unwrap();
    assert!(query.attention(&key, &value, 0.5, Mask::Grid { rows: &short, columns: &columns }).is_err());
    assert!(query.attention(&key, &value, 0.5, Mask::Grid { rows: &rows, columns: &rows }).is_err());
}

#[test]
fn biases_are_shared_between_heads_or_batches() {
    let (query, key) = (waves(&[2, 3, 4, 2], 0.0), waves(&[2, 3, 5, 2], 1.0));
    let attention = |bias: &Plain| query.attention(&key, &key, 0.5, Mask::Bias(bias));
    for shape in [[1, 1, 4, 5], [2, 1, 4, 5], [1, 3, 4, 5], [2, 3, 4, 5]] {
        let bias = waves(&shape, 2.0);
        near(&attention(&bias).unwrap(), &attention(&bias.expand(&[2, 3, 4, 5]).unwrap()).unwrap());
    }
    for shape in [[1, 2, 4, 5], [3, 1, 4, 5], [1, 1, 1, 5], [1, 1, 4, 1]] {
        assert!(attention(&waves(&shape, 2.0)).is_err(), "{shape:?}");
    }
    assert!(attention(&waves(&[4, 5], 0.0)).is_err());
}

#[test]
fn shapes_that_do_not_go_together_are_refused() {
    let query = waves(&[1, 2, 3, 4], 0.0);
    let attention =
        |key: &[usize], value: &[usize]| query.attention(&waves(key, 0.0), &waves(value, 0.0), 1.0, Mask::None);
    assert!(attention(&[1, 2, 5, 4], &[1, 2, 5, 1]).is_ok());
    for (key, value) in [
        (&[1, 2, 5, 3][..], &[1, 2, 5, 4][..]),
        (&[2, 2, 5, 4], &[2, 2, 5, 4]),
        (&[1, 2, 5, 4], &[1, 2, 4, 4]),
        (&[1, 2, 5, 4], &[1, 1, 5, 4]),
        (&[1, 0, 5, 4], &[1, 0, 5, 4]),
        (&[1, 2, 0, 4], &[1, 2, 0, 4]),
        (&[2, 5, 4], &[2, 5, 4]),
    ] {
        assert!(matches!(attention(key, value), Err(ModelError::Op { op: "attention", .. })), "{key:?}");
    }
}
