//! Cases worked out by hand from the rules.

use socio_dataset::{Bbox, Mask};

use super::*;

const NEAR: f64 = 1e-12;

fn boxes(all: &[[f64; 4]]) -> Vec<Bbox> {
    all.iter().map(|b| (*b).into()).collect()
}

fn think(answer: &str) -> String {
    format!("<think>a</think><answer>{answer}</answer>")
}

/// Format, accuracy, length, total.
fn same(reward: Reward, expected: [f64; 4], what: &str) {
    let found = [reward.format, reward.accuracy, reward.length, reward.total];
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < NEAR), "{what}: {found:?}, not {expected:?}");
}

/// What 16 bits keep of a number.
fn half(value: f64) -> f64 {
    f64::from(f16::from_f64(value))
}

#[test]
fn stage_1() {
    let one = boxes(&[[100.0, 100.0, 200.0, 200.0]]);
    let two = boxes(&[[100.0, 100.0, 200.0, 200.0], [300.0, 300.0, 400.0, 400.0]]);
    let e2 = (-2.0f64).exp();
    let e1 = (-1.0f64).exp();
    let hit = r#"{"bbox_2d": [100, 100, 200, 200]}"#;
    // IoU 100 x 80 / 12000 = 2/3; sides off by 0, 20, 0, 0: 5 pixels in the mean.
    let close = r#"{"bbox_2d": [100, 120, 200, 200]}"#;
    // 100 x 40 / 10000 = 0.4; 15 pixels in the mean.
    let part = r#"{"bbox_2d": [100, 160, 200, 200]}"#;
    let far = r#"{"bbox_2d": [500, 500, 600, 600]}"#;
    let cases = [
        // answer, truth, the paper's, the released code's (before 16 bits)
        ("hit", think(&format!("[{hit}]")), &one, [1.0, 1.0, 1.0, 3.0], [2.0, 2.0, 1.0, 5.0]),
        ("close", think(&format!("[{close}]")), &one, [1.0, 1.0, 1.0, 3.0], [2.0, 2.0, 1.0, 5.0]),
        ("part", think(&format!("[{part}]")), &one, [1.0, 0.0, 1.0, 2.0], [2.0, 0.0, 1.0, 3.0]),
        ("a miss", think(&format!("[{far}]")), &one, [1.0, 0.0, 1.0, 2.0], [2.0, 0.0, 1.0, 3.0]),
        ("one of two", think(&format!("[{hit}]")), &two, [1.0, 0.5, e1, 1.5 + e1], [2.0, 1.0, e1, 3.0 + e1]),
        ("one too many", think(&format!("[{hit}, {far}]")), &one, [1.0, 0.5, e2, 1.5 + e2], [2.0, 1.0, e2, 3.0 + e2]),
        ("the same twice", think(&format!("[{hit}, {hit}]")), &one, [1.0, 0.5, e2, 1.5 + e2], [2.0, 1.0, e2, 3.0 + e2]),
        ("nothing", think("[]"), &one, [1.0, 0.0, e2, 1.0 + e2], [1.0, 0.0, e2, 1.0 + e2]),
        ("no thinking", format!("<answer>[{hit}]</answer>"), &one, [0.0, 1.0, 1.0, 0.0], [1.0, 2.0, 1.0, 4.0]),
        ("no JSON", think("here"), &one, [0.0, 0.0, e2, 0.0], [1.0, 0.0, e2, 1.0 + e2]),
        ("no answer", "so".to_owned(), &one, [0.0, 0.0, e2, 0.0], [0.0, 0.0, e2, e2]),
        ("three sides", think(r#"[{"bbox_2d": [1, 2, 3]}]"#), &one, [0.0, 0.0, e2, 0.0], [1.0, 0.0, e2, 1.0 + e2]),
        (
            "a field too many",
            think(r#"[{"bbox_2d": [100, 100, 200, 200], "points": []}]"#),
            &one,
            [0.0, 1.0, 1.0, 0.0],
            [1.0, 2.0, 1.0, 4.0],
        ),
        ("half of them formed", think(&format!("[{hit}, 3]")), &one, [0.0, 1.0, 1.0, 0.0], [1.5, 2.0, 1.0, 4.5]),
        ("nothing is true, nothing is found", think("[]"), &vec![], [1.0, 0.0, 1.0, 2.0], [1.0, 0.0, 1.0, 2.0]),
        ("nothing is true", think(&format!("[{hit}]")), &vec![], [1.0, 0.0, 0.0, 1.0], [2.0, 0.0, 0.0, 2.0]),
    ];
    for (what, text, truth, paper, released) in cases {
        same(stage1(&text, truth, &Rules::new(Profile::Paper)), paper, what);
        let [f, a, l, total] = released;
        same(stage1(&text, truth, &Rules::new(Profile::Released)), [f, a, l, half(total)], what);
    }
}

#[test]
fn stage_1_at_the_border() {
    // IoU exactly one half is not above it. In the released code the last pixel counts: 101 x 51 of 101 x 101 is above.
    let truth = boxes(&[[0.0, 0.0, 100.0, 100.0]]);
    let text = think(r#"[{"bbox_2d": [0, 0, 100, 50]}]"#);
    assert_eq!(stage1(&text, &truth, &Rules::new(Profile::Paper)).accuracy, 0.0);
    // Sides off by 50 / 4 = 12.5 pixels: not near.
    assert_eq!(stage1(&text, &truth, &Rules::new(Profile::Released)).accuracy, 1.0);
    // 10 pixels in the mean are not below 10, 9.75 are; an IoU of 0.36 is none.
    let wide = boxes(&[[0.0, 0.0, 15.0, 100.0]]);
    let off = |x: f64| think(&format!(r#"[{{"bbox_2d": [{x}, 0, {}, 100]}}]"#, 15.0 + x));
    assert_eq!(stage1(&off(20.0), &wide, &Rules::new(Profile::Released)).accuracy, 0.0);
    assert_eq!(stage1(&off(19.5), &wide, &Rules::new(Profile::Released)).accuracy, 1.0);
}

#[test]
fn the_best_matching_counts() {
    // The first box overlaps both true ones, the second the first alone: in order, only one would be matched.
    let truth = boxes(&[[0.0, 0.0, 100.0, 100.0], [0.0, 40.0, 100.0, 140.0]]);
    let text = think(r#"[{"bbox_2d": [0, 20, 100, 120]}, {"bbox_2d": [0, 0, 100, 90]}]"#);
    assert_eq!(stage1(&text, &truth, &Rules::new(Profile::Paper)).accuracy, 1.0);
    // The released code looks at 120 objects, and shares by them.
    let many = vec![r#"{"bbox_2d": [0, 0, 100, 100]}"#; 130].join(", ");
    let released = stage1(&think(&format!("[{many}]")), &truth[..1], &Rules::new(Profile::Released));
    assert!((released.accuracy - 2.0 / 120.0).abs() < NEAR && released.length == (-2.0f64 * 129.0).exp());
}

#[test]
fn stage_2() {
    let truth = Mask::from_fn(40, 40, |x, _| x < 20);
    let good = Mask::from_fn(40, 40, |x, _| x < 10);
    let first = think(r#"[{"bbox_2d": [10, 10, 30, 30]}]"#);
    let answer = |points: &str| think(&format!(r#"[{{"bbox_2d": [10, 10, 30, 30], "points": {points}}}]"#));
    // exp(-(n - 2)^2 / 8) for n points.
    let g = |n: f64| (-(n - 2.0f64).powi(2) / 8.0).exp();
    let cases = [
        ("two points", answer("[[15, 15], [20, 20]]"), [1.0, 0.5, 1.0, 2.5], [2.0, 0.5, 1.0, 3.5]),
        ("one point", answer("[[15, 15]]"), [1.0, 0.5, g(1.0), 1.5 + g(1.0)], [2.0, 0.5, g(1.0), 2.5 + g(1.0)]),
        ("no points", answer("[]"), [1.0, 0.5, g(0.0), 1.5 + g(0.0)], [2.0, 0.5, g(0.0), 2.5 + g(0.0)]),
        ("on the border", answer("[[10, 15], [20, 20]]"), [0.0, 0.5, 0.0, 0.0], [1.0, 0.5, 0.0, 1.5]),
        ("no list of points", think(r#"[{"bbox_2d": [10, 10, 30, 30]}]"#), [0.0, 0.5, 0.0, 0.0], [1.0, 0.5, 0.0, 1.5]),
        (
            "another box",
            think(r#"[{"bbox_2d": [10, 10, 30, 31], "points": [[15, 15], [20, 20]]}]"#),
            [0.0, 0.5, 0.0, 0.0],
            [1.0, 0.5, 0.0, 1.5],
        ),
        (
            "an object too many",
            think(r#"[{"bbox_2d": [10, 10, 30, 30], "points": [[15, 15]]}, {"bbox_2d": [1, 1, 3, 3], "points": []}]"#),
            [0.0, 0.5, 0.0, 0.0],
            [1.0, 0.5, 0.0, 1.5],
        ),
        ("no thinking", "<answer>[]</answer>".to_owned(), [0.0, 0.5, 0.0, 0.0], [0.0, 0.5, 0.0, 0.5]),
    ];
    for (what, text, paper, released) in cases {
        same(stage2(&text, &first, &good, &truth, &Rules::new(Profile::Paper)), paper, what);
        let [f, a, l, total] = released;
        let found = stage2(&text, &first, &good, &truth, &Rules::new(Profile::Released));
        same(found, [f, a, l, half(total)], what);
    }
}

#[test]
fn means_are_over_valid_groups_in_the_paper_and_over_all_in_the_code() {
    let first = think(r#"[{"bbox_2d": [0, 0, 9, 9]}, {"bbox_2d": [20, 20, 30, 30]}]"#);
    let text = think(
        r#"[{"bbox_2d": [0, 0, 9, 9], "points": [[1, 1], [2, 2]]}, {"bbox_2d": [20, 20, 30, 30], "points": [[1, 1]]}]"#,
    );
    let empty = Mask::new(40, 40);
    let reward = |profile| stage2(&text, &first, &empty, &empty, &Rules::new(profile));
    same(reward(Profile::Paper), [0.0, 0.0, 1.0, 0.0], "the paper");
    same(reward(Profile::Released), [1.5, 0.0, 0.5, 2.0], "the code");
    // Masks of different sizes, and two empty ones, are worth nothing.
    let other = stage2(&text, &first, &Mask::full(20, 20), &Mask::full(40, 40), &Rules::new(Profile::Released));
    assert_eq!(other.accuracy, 0.0);
}

#[test]
fn other_numbers_of_points_and_terms_left_out() {
    let first = think(r#"[{"bbox_2d": [0, 0, 9, 9]}]"#);
    let text = think(r#"[{"bbox_2d": [0, 0, 9, 9], "points": [[1, 1]]}]"#);
    let mask = Mask::full(10, 10);
    let rules = Rules { points: 1.0, ..Rules::new(Profile::Paper) };
    same(stage2(&text, &first, &mask, &mask, &rules), [1.0, 1.0, 1.0, 3.0], "mu = 1");
    let without = |terms| stage2(&text, &first, &mask, &mask, &Rules { terms, ..rules }).total;
    assert_eq!(without(Terms { accuracy: false, ..Terms::ALL }), 2.0);
    assert_eq!(without(Terms { length: false, ..Terms::ALL }), 2.0);
    // Without the term there is no gate either.
    let ungated = Rules { terms: Terms { format: false, ..Terms::ALL }, ..rules };
    assert_eq!(stage2("<answer>[]</answer>", &first, &mask, &mask, &ungated).total, 1.0);
}
