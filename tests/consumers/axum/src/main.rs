//! A webhook receiver with axum.
