//! An empty library. The benchmark is in `verify.rs`.
