//! Text: the JSON scanner and its search for bytes.

pub(crate) mod json;
mod simd;
