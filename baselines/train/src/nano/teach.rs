//! From what is known of a lesson to questions with their answers, in the words of the method's own prompts.

use std::collections::HashSet;

use socio_baselines::prompts::Template;
use socio_dataset::Level;
use socio_dataset::city::{Facts, Taught};
use socio_dataset::hash::SplitMix;
use socio_dataset::map::{Xy, contains};
use socio_models::qwen2_5_vl::{Chat, Config, Grid, Position, Tokenizer, positions};

use super::dense::hull;
use super::refine::points;
use super::vocabulary;
use crate::TrainError;

/// The most objects that are asked for at once: the city plans three.
const MOST: usize = 3;
/// The least share of a site's hull that lies in the picture for its place to be asked for.
const INSIDE: f64 = 0.6;

/// A question about a lesson, with what is true of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The query text.
    pub query: String,
    /// The level.
    pub level: Level,
    /// Boxes of the places that it names, from left to right, in pixels of what the model sees.
    pub boxes: Vec<[u32; 4]>,
    /// Where their icons stand on the map, in the same order.
    pub icons: Vec<[u32; 2]>,
    /// Their outlines, in pixels of what the model sees, in the same order.
    pub rings: Vec<Vec<Xy>>,
}

/// A row of training: the tokens behind the pictures, and which of them are to be learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which scene of the batch it is about.
    pub scene: usize,
    /// The tokens.
    pub ids: Vec<u32>,
    /// The first token that is to be learned; all from there on are.
    pub learned: usize,
    /// Of each coordinate's place among the tokens, which tokens of the beginning show it: the icon's on the map, or those of
    /// the site in the satellite view.
    pub looks: Vec<(usize, Vec<u32>)>,
    /// Of which coordinates of the answer there is one right value alone: those that repeat the prompt's.
    pub copied: Vec<usize>,
}

fn place_box(place: &Taught, facts: &Facts, side: u32) -> Option<([u32; 4], f64)> {
    let size = f64::from(facts.size);
    let whole = place.ring.iter().fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |b, p| {
        [b[0].min(p[0]), b[1].min(p[1]), b[2].max(p[0]), b[3].max(p[1])]
    });
    let cut = hull(&place.ring, size)?;
    let area = |b: [f64; 4]| (b[2] - b[0]) * (b[3] - b[1]);
    let seen = cut.map(|v| (v * f64::from(side) / size).round() as u32);
    Some((seen, area(cut) / area(whole).max(1e-9)))
}

/// A question about some places; none where the map does not show one of them, or they are more than can be asked for.
fn question(facts: &Facts, level: Level, query: &str, side: u32, planned: bool) -> Option<Question> {
    let named = |p: &&Taught| match level {
        Level::Name => p.name == query,
        Level::Class => p.class == query,
        Level::Function => p.function == query,
    };
    let scale = f64::from(side) / f64::from(facts.size);
    let mut all = Vec::new();
    for place in facts.places.iter().filter(named) {
        let Some((seen, share)) = place_box(place, facts, side) else { continue };
        if !planned && (share < INSIDE || place.icon.is_none()) {
            return None;
        }
        let icon = place.icon.map(|p| p.map(|v| ((v * scale) as u32).min(side - 1)));
        // An icon that found no room cannot be pointed at; its site can.
        let middle = [u32::midpoint(seen[0], seen[2]), u32::midpoint(seen[1], seen[3])];
        let ring: Vec<Xy> = place.ring.iter().map(|p| p.map(|v| v * scale)).collect();
        all.push((seen, icon.unwrap_or(middle), ring));
    }
    all.retain(|(b, ..)| b[2] > b[0] && b[3] > b[1]);
    all.sort_by_key(|(b, icon, _)| (*b, *icon));
    (1..=MOST).contains(&all.len()).then(|| Question {
        query: query.to_owned(),
        level,
        boxes: all.iter().map(|(b, ..)| *b).collect(),
        icons: all.iter().map(|(_, i, _)| *i).collect(),
        rings: all.into_iter().map(|(.., ring)| ring).collect(),
    })
}

/// What the city asks of a lesson.
pub fn asked(facts: &Facts, side: u32) -> Option<Question> {
    question(facts, facts.asked.level, &facts.asked.text, side, true)
}

/// Some questions about a lesson: what the city asks, and others drawn from what else it shows. `names` is the share of
/// names among the others.
pub fn questions(facts: &Facts, side: u32, count: usize, names: f64, random: &mut SplitMix) -> Vec<Question> {
    let mut made: Vec<Question> = asked(facts, side).into_iter().collect();
    // Some queries cannot be asked; tries are bounded.
    for _ in 0..count * 8 {
        if made.len() >= count {
            break;
        }
        let Some(place) = random.pick(&facts.places) else { break };
        let level = if random.chance(names) {
            Level::Name
        } else if random.chance(0.6) {
            Level::Class
        } else {
            Level::Function
        };
        let query = match level {
            Level::Name => &place.name,
            Level::Class => &place.class,
            Level::Function => &place.function,
        };
        if made.iter().all(|q| q.query != *query) {
            made.extend(question(facts, level, query, side, false));
        }
    }
    made.truncate(count);
    made
}

/// How an answer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// The boxes alone, asked by the prompt without thinking.
    Plain,
    /// Where the icons stand, then the boxes.
    Thinking,
}

impl Question {
    /// The boxes as JSON.
    pub fn boxes_text(&self) -> String {
        let one = |b: &[u32; 4]| format!(r#"{{"bbox_2d": [{}, {}, {}, {}]}}"#, b[0], b[1], b[2], b[3]);
        format!("[{}]", self.boxes.iter().map(one).collect::<Vec<_>>().join(", "))
    }

    /// The answer of stage 1.
    pub fn answer(&self, manner: Manner) -> String {
        let icons: Vec<String> = self.icons.iter().map(|[x, y]| format!("{x}, {y}")).collect();
        let answer = format!("<answer>{}</answer>", self.boxes_text());
        match manner {
            Manner::Plain => answer,
            Manner::Thinking => format!("<think>The map shows it at {}</think>{answer}", icons.join("; ")),
        }
    }
}

/// The answer of stage 2: `all` are each object's points.
fn refined_text(boxes: &[[u32; 4]], all: &[Vec<[u32; 2]>], manner: Manner) -> String {
    let objects: Vec<String> = boxes
        .iter()
        .zip(all)
        .map(|([x0, y0, x1, y1], points)| {
            let points: Vec<String> = points.iter().map(|[x, y]| format!("{x}, {y}")).collect();
            format!(r#"{{"bbox_2d": [{x0}, {y0}, {x1}, {y1}], "points": [[{}]]}}"#, points.join("], ["))
        })
        .collect();
    let answer = format!("<answer>[{}]</answer>", objects.join(", "));
    if manner == Manner::Plain {
        return answer;
    }
    let middle = |[x0, y0, x1, y1]: &[u32; 4]| format!("{}, {}", u32::midpoint(*x0, *x1), u32::midpoint(*y0, *y1));
    let middles: Vec<String> = boxes.iter().map(middle).collect();
    format!("<think>Inside {}</think>{answer}", middles.join("; "))
}

/// What all rows have in common: the tokens up to the last picture's, and the prompts.
pub struct Classroom {
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// The network's configuration.
    pub config: Config,
    /// The beginning of every prompt, up to its last image token.
    pub beginning: Vec<u32>,
    /// Where its tokens stand.
    pub positions: Vec<Position>,
    /// The position of the token after it.
    pub next: i64,
    /// A picture's patches.
    pub grid: Grid,
    /// The tokens of coordinates.
    numbers: HashSet<u32>,
    plain: Template,
    thinking: Template,
    plain_refine: Template,
    thinking_refine: Template,
}

impl Classroom {
    /// For a network and its tokenizer, with pictures of `side` pixels.
    ///
    /// # Errors
    /// When the tokenizer does not go with the network.
    pub fn new(config: Config, tokenizer: Tokenizer, side: u32) -> Result<Self, TrainError> {
        let cells = side as usize / config.vision.patch_size;
        let grid = Grid { t: 1, h: cells, w: cells };
        let template = |name: &str| {
            let found = Template::named(name).ok_or_else(|| TrainError::Input(format!("no prompt `{name}`")))?;
            found.map_err(|e| TrainError::Input(e.to_string()))
        };
        let mut ids = Chat::new(&[grid, grid], "x").ids(&tokenizer, config.vision.spatial_merge_size)?;
        let last = ids.iter().rposition(|id| *id == config.image_token).unwrap_or(0);
        ids.truncate(last + 1);
        let (positions, next) = positions(&config, &ids, &[grid, grid])?;
        Ok(Self {
            plain: template("socioreasoner-sft-localize")?,
            thinking: template("socioreasoner-localize")?,
            plain_refine: template("socioreasoner-sft-refine")?,
            thinking_refine: template("socioreasoner-refine")?,
            numbers: vocabulary::numbers(&tokenizer, side)?.into_iter().collect(),
            tokenizer,
            config,
            beginning: ids,
            positions,
            next,
            grid,
        })
    }

    /// The tokens behind the pictures of a prompt.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn prompt(&self, text: &str) -> Result<Vec<u32>, TrainError> {
        let merge = self.config.vision.spatial_merge_size;
        let mut ids = Chat::new(&[self.grid, self.grid], text).ids(&self.tokenizer, merge)?;
        Ok(ids.split_off(self.beginning.len()))
    }

    /// A question of stage 1 as the method puts it.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn localize(&self, question: &Question, manner: Manner) -> Result<Vec<u32>, TrainError> {
        let template = if manner == Manner::Plain { &self.plain } else { &self.thinking };
        self.prompt(&template.fill(&question.query, ""))
    }

    /// A question of stage 1 with its answer.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn row(&self, scene: usize, question: &Question, manner: Manner) -> Result<Row, TrainError> {
        let mut ids = self.localize(question, manner)?;
        let learned = ids.len();
        ids.extend(self.tokenizer.encode(&question.answer(manner))?);
        ids.push(self.tokenizer.special("<|im_end|>")?);
        let shown = self.shown(question, manner);
        let places = (learned..ids.len()).filter(|t| self.numbers.contains(&ids[*t]));
        let looks = places.zip(shown).collect();
        Ok(Row { scene, ids, learned, looks, copied: Vec::new() })
    }

    /// A question of stage 2 with its answer: `boxes` are those of the first answer, `count` the points of each object.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn refined(
        &self,
        scene: usize,
        question: &Question,
        boxes: &[[u32; 4]],
        count: usize,
        manner: Manner,
    ) -> Result<Row, TrainError> {
        let template = if manner == Manner::Plain { &self.plain_refine } else { &self.thinking_refine };
        let first = Question { boxes: boxes.to_vec(), ..question.clone() };
        let mut ids = self.prompt(&template.fill(&question.query, &first.boxes_text()))?;
        let learned = ids.len();
        let all: Vec<Vec<[u32; 2]>> =
            question.rings.iter().zip(boxes).map(|(ring, b)| points(ring, *b, count)).collect();
        ids.extend(self.tokenizer.encode(&refined_text(boxes, &all, manner))?);
        ids.push(self.tokenizer.special("<|im_end|>")?);
        let number = |t: &usize| self.numbers.contains(&ids[*t]);
        let asked: Vec<u32> = (0..learned).filter(number).map(|t| (self.beginning.len() + t) as u32).collect();
        let inside: Vec<Vec<u32>> = self.sites(question);
        let mut shown = Vec::new();
        if manner == Manner::Thinking {
            shown.extend(inside.iter().flat_map(|tokens| std::iter::repeat_n((tokens.clone(), false), 2)));
        }
        for (corners, tokens) in asked.chunks_exact(4).zip(&inside) {
            shown.extend(corners.iter().map(|at| (vec![*at], true)));
            shown.extend(std::iter::repeat_n((tokens.clone(), false), 2 * count));
        }
        let said: Vec<(usize, (Vec<u32>, bool))> = (learned..ids.len()).filter(number).zip(shown).collect();
        let copied = said.iter().filter(|(_, (_, copied))| *copied).map(|(at, _)| *at).collect();
        let looks = said.into_iter().map(|(at, (tokens, _))| (at, tokens)).collect();
        Ok(Row { scene, ids, learned, looks, copied })
    }

    /// Where pictures' tokens begin: the map's, the satellite view's.
    pub(super) fn images(&self) -> [usize; 2] {
        let first = self.beginning.iter().position(|id| *id == self.config.image_token).unwrap_or(0);
        let n = self.grid.h / self.config.vision.spatial_merge_size;
        [first, self.beginning.len() - n * n]
    }

    /// The token of a picture in which a pixel lies.
    fn cell(&self, [x, y]: Xy) -> usize {
        let merge = self.config.vision.spatial_merge_size;
        let (n, token) = (self.grid.h / merge, (merge * self.config.vision.patch_size) as f64);
        let of = |v: f64| ((v / token) as usize).min(n - 1);
        of(y) * n + of(x)
    }

    /// Of each object, the tokens of the satellite view whose middle lies on its site; at least one.
    fn sites(&self, question: &Question) -> Vec<Vec<u32>> {
        let merge = self.config.vision.spatial_merge_size;
        let (n, token) = (self.grid.h / merge, (merge * self.config.vision.patch_size) as f64);
        let start = self.images()[1];
        let of = |(ring, b): (&Vec<Xy>, &[u32; 4])| {
            let ring = std::slice::from_ref(ring);
            let middle = |t: &usize| [(t % n) as f64 + 0.5, (t / n) as f64 + 0.5].map(|v| v * token);
            let mut inside: Vec<usize> = (0..n * n).filter(|t| contains(ring, middle(t))).collect();
            if inside.is_empty() {
                inside.push(self.cell([f64::from(b[0] + b[2]) / 2.0, f64::from(b[1] + b[3]) / 2.0]));
            }
            inside.iter().map(|t| (start + t) as u32).collect()
        };
        question.rings.iter().zip(&question.boxes).map(of).collect()
    }

    /// Which tokens show each coordinate of an answer, in the answer's order.
    fn shown(&self, question: &Question, manner: Manner) -> Vec<Vec<u32>> {
        let mut shown = Vec::new();
        if manner == Manner::Thinking {
            for [x, y] in &question.icons {
                let token = self.images()[0] + self.cell([*x, *y].map(f64::from));
                shown.extend(std::iter::repeat_n(vec![token as u32], 2));
            }
        }
        shown.extend(self.sites(question).iter().flat_map(|tokens| std::iter::repeat_n(tokens.clone(), 4)));
        shown
    }
}
