//! The cases: every operation on several shapes.

mod attention;
mod networks;
mod pictures;
mod shapes;

use super::call::Call;
use super::case::Case;
use super::operand::Operand;
use super::random::Random;

/// Every case.
pub(super) fn all(random: &mut Random) -> Vec<Case> {
    let mut cases = Cases { random, all: Vec::new() };
    shapes::add(&mut cases);
    networks::add(&mut cases);
    pictures::add(&mut cases);
    attention::add(&mut cases);
    cases.all
}

/// The cases so far, and where their values come from.
struct Cases<'a> {
    random: &'a mut Random,
    all: Vec<Case>,
}

impl Cases<'_> {
    fn push(&mut self, call: Call, operands: Vec<Operand>) {
        self.all.push(Case { call, operands });
    }

    /// A case of random operands of these shapes.
    fn on(&mut self, call: Call, shapes: &[&[usize]]) {
        let operands = shapes.iter().map(|shape| self.random.operand(shape)).collect();
        self.push(call, operands);
    }
}
