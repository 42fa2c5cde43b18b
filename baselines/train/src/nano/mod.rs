//! SocioReasoner-nano: a Qwen2.5-VL small enough to ship, and how it learns the embedded city.

pub mod course;
pub mod dense;
pub mod evaluate;
pub mod lessons;
pub mod policy;
pub mod recipe;
pub mod refine;
pub mod start;
pub mod teach;
pub mod vocabulary;
