//! Models on disk: safetensors in and out.

pub mod container;
