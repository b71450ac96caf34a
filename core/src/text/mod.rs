//! Text: the JSON scanner, and a search for bytes 16 at a time.

pub(crate) mod json;
mod simd;
