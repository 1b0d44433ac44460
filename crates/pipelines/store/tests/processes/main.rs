//! Many processes on one store, and processes that die: this test program starts itself as them.

#![cfg(unix)]

mod child;
mod crash;
mod first_use;
mod read_only;

/// The way in for child processes; on its own it has nothing to do.
#[test]
fn child() {
    if let Ok(role) = std::env::var(child::ROLE) {
        child::perform(&role);
    }
}
