//! tagged
