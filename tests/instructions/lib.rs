//! Nothing: the benchmark is in `verify.rs`.
