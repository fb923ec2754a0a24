//! Models on disk: safetensors in and out.
