//! `ImageDraw.rectangle` with an outline and no fill.

use image::RgbImage;

/// Draws a rectangle's outline as Pillow 9.5 and later does, and says whether it does: one whose second corner is left of
/// or above the first is refused, and nothing is drawn.
///
/// Corners are cut to whole numbers towards 0, both edges lie inside, and what is outside the image is left out
/// (`src/libImaging/Draw.c`). A rectangle that is thinner than two outlines has ends that stick out, as there. Numbers
/// beyond 32 bits, and those that are none, become the least 32-bit integer, which is what C's cast gives on x86-64.
pub fn rectangle(image: &mut RgbImage, [x0, y0, x1, y1]: [f64; 4], colour: [u8; 3], width: i32) -> bool {
    if x1 < x0 || y1 < y0 {
        return false;
    }
    let [x0, y0, x1, y1] = [x0, y0, x1, y1].map(whole);
    // Pillow puts rows in order after the cast.
    let (y0, y1) = (y0.min(y1), y0.max(y1));
    for i in 0..width {
        across(image, x0, y0.wrapping_add(i), x1, colour);
        across(image, x0, y1.wrapping_sub(i), x1, colour);
        let (from, to) = (y0.wrapping_add(width), y1.wrapping_sub(width).wrapping_add(1));
        down(image, x1.wrapping_sub(i), from, to, colour);
        down(image, x0.wrapping_add(i), from, to, colour);
    }
    true
}

/// A C cast of a double to a 32-bit integer.
fn whole(value: f64) -> i32 {
    let cut = value.trunc();
    if (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&cut) { cut as i32 } else { i32::MIN }
}

/// A row from `x0` to `x1`, both inside.
fn across(image: &mut RgbImage, x0: i32, y: i32, x1: i32, colour: [u8; 3]) {
    let (width, height) = (i64::from(image.width()), i64::from(image.height()));
    if !(0..height).contains(&i64::from(y)) {
        return;
    }
    let (from, to) = (i64::from(x0).max(0), i64::from(x1).min(width - 1));
    for x in from..=to {
        image.put_pixel(x as u32, y as u32, image::Rgb(colour));
    }
}

/// A column that begins at `from` and ends before `to`, upwards where `to` lies above. Pillow walks it pixel by pixel in 32
/// bits: the difference of the ends and the row both wrap, so that a column from the least integer goes the other way round.
fn down(image: &mut RgbImage, x: i32, from: i32, to: i32, colour: [u8; 3]) {
    if !(0..i64::from(image.width())).contains(&i64::from(x)) {
        return;
    }
    let steps = to.wrapping_sub(from);
    let count = steps.wrapping_abs().max(0).cast_unsigned();
    for y in 0..image.height() {
        let away = if steps < 0 { from.wrapping_sub(y as i32) } else { (y as i32).wrapping_sub(from) };
        if away.cast_unsigned() < count {
            image.put_pixel(x as u32, y, image::Rgb(colour));
        }
    }
}
