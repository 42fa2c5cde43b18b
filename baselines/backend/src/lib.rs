//! The seams models are reached through: Vlm, Segmenter and MapReader
