//! Painting in metres of the quarter.

use socio_map::Xy;
use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, PixmapPaint, Stroke, Transform};

type Colour = [u8; 3];

pub(super) struct Brush<'a> {
    pixmap: Option<Pixmap>,
    /// Shadows, collected and laid down at once: where two meet it gets no darker.
    shadows: Option<Pixmap>,
    size: u32,
    /// Pixels a metre.
    scale: f64,
    to: Box<dyn Fn(Xy) -> Xy + 'a>,
}

impl<'a> Brush<'a> {
    pub(super) fn new(size: u32, scale: f64, to: Box<dyn Fn(Xy) -> Xy + 'a>, ground: Colour) -> Self {
        let mut pixmap = Pixmap::new(size, size);
        if let Some(p) = pixmap.as_mut() {
            p.fill(Color::from_rgba8(ground[0], ground[1], ground[2], 255));
        }
        Self { pixmap, shadows: Pixmap::new(size, size), size, scale, to }
    }

    pub(super) fn polygon(&mut self, ring: &[Xy], colour: Colour, alpha: f32) {
        if let (Some(path), Some(p)) = (self.path(ring, true), self.pixmap.as_mut()) {
            p.fill_path(&path, &paint(colour, alpha), FillRule::EvenOdd, Transform::identity(), None);
        }
    }

    /// A line of a width in metres, at least half a pixel wide.
    pub(super) fn line(&mut self, points: &[Xy], closed: bool, colour: Colour, metres: f64, alpha: f32) {
        self.pen(points, closed, colour, metres, alpha, None);
    }

    /// A line of dashes and gaps in metres.
    pub(super) fn dashes(&mut self, points: &[Xy], colour: Colour, metres: f64, dash: [f64; 2]) {
        let dash = dash.map(|d| (d * self.scale) as f32).to_vec();
        self.pen(points, false, colour, metres, 0.8, tiny_skia::StrokeDash::new(dash, 0.0));
    }

    fn pen(
        &mut self,
        points: &[Xy],
        closed: bool,
        colour: Colour,
        metres: f64,
        alpha: f32,
        dash: Option<tiny_skia::StrokeDash>,
    ) {
        let (Some(path), Some(p)) = (self.path(points, closed), self.pixmap.as_mut()) else { return };
        let width = (metres * self.scale).max(0.5) as f32;
        let stroke = Stroke { width, line_join: LineJoin::Round, line_cap: LineCap::Butt, dash, ..Stroke::default() };
        p.stroke_path(&path, &paint(colour, alpha), &stroke, Transform::identity(), None);
    }

    pub(super) fn disc(&mut self, at: Xy, metres: f64, colour: Colour, alpha: f32) {
        if let (Some(path), Some(p)) = (self.circle(at, metres), self.pixmap.as_mut()) {
            p.fill_path(&path, &paint(colour, alpha), FillRule::Winding, Transform::identity(), None);
        }
    }

    /// Adds to the shadows.
    pub(super) fn shade(&mut self, ring: &[Xy]) {
        let path = self.path(ring, true);
        self.shadow(path);
    }

    pub(super) fn shade_disc(&mut self, at: Xy, metres: f64) {
        let path = self.circle(at, metres);
        self.shadow(path);
    }

    fn shadow(&mut self, path: Option<tiny_skia::Path>) {
        if let (Some(path), Some(p)) = (path, self.shadows.as_mut()) {
            p.fill_path(&path, &paint([12, 16, 30], 1.0), FillRule::Winding, Transform::identity(), None);
        }
    }

    /// Lays all shadows down.
    pub(super) fn lay_shadows(&mut self, opacity: f32) {
        if let (Some(p), Some(shadows)) = (self.pixmap.as_mut(), self.shadows.take()) {
            let how = PixmapPaint { opacity, ..PixmapPaint::default() };
            p.draw_pixmap(0, 0, shadows.as_ref(), &how, Transform::identity(), None);
        }
    }

    pub(super) fn into_pixmap(self) -> Option<Pixmap> {
        self.pixmap
    }

    /// A circle of a radius in metres; `None` where it does not touch the picture.
    fn circle(&self, at: Xy, metres: f64) -> Option<tiny_skia::Path> {
        let [x, y] = (self.to)(at);
        let radius = (metres * self.scale) as f32;
        let (far, size) = (f64::from(radius) + 2.0, f64::from(self.size));
        let seen = x > -far && y > -far && x < size + far && y < size + far;
        if seen { PathBuilder::from_circle(x as f32, y as f32, radius.max(0.4)) } else { None }
    }

    fn path(&self, points: &[Xy], closed: bool) -> Option<tiny_skia::Path> {
        let mut path = PathBuilder::new();
        for (i, p) in points.iter().enumerate() {
            let [x, y] = (self.to)(*p);
            if i == 0 {
                path.move_to(x as f32, y as f32);
            } else {
                path.line_to(x as f32, y as f32);
            }
        }
        if closed {
            path.close();
        }
        let path = path.finish()?;
        let (b, size) = (path.bounds(), self.size as f32 + 40.0);
        (b.right() > -40.0 && b.bottom() > -40.0 && b.left() < size && b.top() < size).then_some(path)
    }
}

fn paint(colour: Colour, alpha: f32) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(colour[0], colour[1], colour[2], (alpha.clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
    paint
}

/// A colour made lighter or darker by a share.
pub(super) fn lit(colour: Colour, by: f64) -> Colour {
    colour.map(|c| (f64::from(c) * (1.0 + by)).clamp(0.0, 255.0) as u8)
}

/// A mixture: all of the first at 0, of the second at 1.
pub(super) fn mixed(a: Colour, b: Colour, t: f64) -> Colour {
    let mix = |i: usize| (f64::from(a[i]) + (f64::from(b[i]) - f64::from(a[i])) * t) as u8;
    [mix(0), mix(1), mix(2)]
}
