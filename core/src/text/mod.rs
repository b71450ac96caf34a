//! Text in bytes: searching and decimal numbers.

pub(crate) mod decimal;
pub(crate) mod simd;
