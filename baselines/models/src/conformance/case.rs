//! A call with its operands, run on a library and on the oracle.

use super::Failure;
use super::call::Call;
use super::operand::{Layout, Operand};
use crate::oracle::Plain;
use crate::{DType, ModelError, Result, Tensor};

/// A call with its operands.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) call: Call,
    pub(super) operands: Vec<Operand>,
}

impl Case {
    /// The same with operands rounded and laid out in the `arrangement`th way: all packed, all permuted, all narrowed,
    /// or the first expanded, the second packed and so on. What is stored into is always packed.
    pub(super) fn arranged(&self, arrangement: usize, dtype: DType) -> Self {
        let mixed = arrangement + 1 == Layout::ALL.len();
        let lay = |(i, operand): (usize, &Operand)| {
            let target = i == 0 && matches!(self.call, Call::Store { .. });
            let place = if target { 0 } else { arrangement + if mixed { i } else { 0 } };
            operand.laid(Layout::ALL[place % Layout::ALL.len()], dtype)
        };
        Self { call: self.call.clone(), operands: self.operands.iter().enumerate().map(lay).collect() }
    }

    /// How far the library is from the oracle.
    pub(super) fn run<T: Tensor>(&self, device: &T::Device, dtype: DType, tolerance: f32) -> Result<f32, Failure> {
        let (oracle, library) = (self.failed("the oracle"), self.failed("the library"));
        let plain = self.make::<Plain>(dtype, &()).map_err(&oracle)?;
        let own = self.make::<T>(dtype, device).map_err(&library)?;
        for (i, (own, plain)) in own.iter().zip(&plain).enumerate() {
            self.same_form(&format!("operand {i}"), own, plain)?;
        }
        self.same_operands("before", &own, &plain)?;

        let expected = self.call.apply(&plain).map_err(&oracle)?;
        let found = self.call.apply(&own).map_err(&library)?;
        self.same_form("the result", &found, &expected)?;
        let (found, expected) = (found.values().map_err(&library)?, expected.values().map_err(&oracle)?);
        let (error, index) = apart(&found, &expected);
        let tolerance = if self.call.exact() { 0.0 } else { tolerance };
        if error > tolerance {
            let (operator, case) = (self.call.name(), self.to_string());
            let (found, expected) = (found[index], expected[index]);
            return Err(Failure::Apart { operator, case, error, tolerance, index, found, expected });
        }
        self.same_operands("after", &own, &plain)?;
        Ok(error)
    }

    fn make<T: Tensor>(&self, dtype: DType, device: &T::Device) -> Result<Vec<T>> {
        self.operands.iter().map(|operand| operand.make(dtype, device)).collect()
    }

    fn failed(&self, by: &'static str) -> impl Fn(ModelError) -> Failure {
        move |why| Failure::Failed { operator: self.call.name(), case: self.to_string(), by, why: Box::new(why) }
    }

    /// Whether a tensor has the shape and type that it should have.
    fn same_form<T: Tensor>(&self, what: &str, own: &T, plain: &Plain) -> Result<(), Failure> {
        if own.shape() == plain.shape() && own.dtype() == plain.dtype() {
            return Ok(());
        }
        Err(Failure::Form {
            operator: self.call.name(),
            case: self.to_string(),
            what: what.to_owned(),
            found: format!("{:?} of {}", own.shape(), own.dtype()),
            expected: format!("{:?} of {}", plain.shape(), plain.dtype()),
        })
    }

    /// Whether operands hold what the oracle's do.
    fn same_operands<T: Tensor>(&self, when: &'static str, own: &[T], plain: &[Plain]) -> Result<(), Failure> {
        for (operand, (own, plain)) in own.iter().zip(plain).enumerate() {
            let found = own.values().map_err(self.failed("the library"))?;
            let expected = plain.values().map_err(self.failed("the oracle"))?;
            let (error, index) = apart(&found, &expected);
            if error > 0.0 {
                let (operator, case) = (self.call.name(), self.to_string());
                let (found, expected) = (found[index], expected[index]);
                return Err(Failure::Operand { operator, case, operand, when, index, found, expected });
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let operands: Vec<String> = self.operands.iter().map(ToString::to_string).collect();
        write!(f, "{:?} on {}", self.call, operands.join(", "))
    }
}

/// The largest difference, divided by the largest expected value where that is not 0, and its index. What is not a number
/// on either side, or infinite on one alone, is infinitely far.
fn apart(found: &[f32], expected: &[f32]) -> (f32, usize) {
    if found.len() != expected.len() {
        return (f32::INFINITY, 0);
    }
    let finite = expected.iter().map(|x| x.abs()).filter(|x| x.is_finite());
    let largest = finite.fold(0.0, f32::max);
    let mut worst = (0.0, 0);
    for (i, (&a, &b)) in found.iter().zip(expected).enumerate() {
        let difference = if a == b { 0.0 } else { (a - b).abs() };
        let relative = if largest > 0.0 { difference / largest } else { difference };
        let error = if relative.is_nan() { f32::INFINITY } else { relative };
        if error > worst.0 {
            worst = (error, i);
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_relative_to_the_largest_value() {
        assert_eq!(apart(&[1.0, 2.0], &[1.0, 2.0]), (0.0, 0));
        assert_eq!(apart(&[1.0, 2.5, -3.0], &[1.0, 2.0, -4.0]), (0.25, 2));
        assert_eq!(apart(&[0.0, 0.5], &[0.0, 0.0]), (0.5, 1));
        let infinity = f32::INFINITY;
        assert_eq!(apart(&[-infinity, 1.0], &[-infinity, 1.0]), (0.0, 0));
        assert_eq!(apart(&[1.0, f32::NAN], &[1.0, 1.0]), (infinity, 1));
        assert_eq!(apart(&[1.0, 1.0], &[1.0, infinity]), (infinity, 1));
        assert_eq!(apart(&[infinity], &[-infinity]), (infinity, 0));
        assert_eq!(apart(&[1.0], &[]), (infinity, 0));
    }

    #[test]
    fn a_case_names_operation_arguments_and_operands() {
        let operands = [vec![2, 1], vec![3]].map(|shape| Operand::packed(&shape, vec![0.5; shape.iter().product()]));
        let case = Case { call: Call::Add, operands: operands.to_vec() };
        assert_eq!(case.arranged(3, DType::F32).to_string(), "Add on [2, 1] expanded, [3] packed");
        let case = Case { call: Call::Reshape(vec![4]), operands: operands[..1].to_vec() };
        let failure = case.run::<Plain>(&(), DType::F32, 0.0).unwrap_err().to_string();
        assert!(failure.starts_with("reshape: the oracle failed: reshape: "), "{failure}");
        assert!(failure.ends_with(": Reshape([4]) on [2, 1] packed"), "{failure}");
    }
}
