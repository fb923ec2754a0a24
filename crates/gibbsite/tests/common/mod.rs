//! What several test files share; each uses a part of it.
#![allow(dead_code)]

pub mod invariance;
pub mod targets;
pub mod twins;
