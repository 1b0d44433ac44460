//! Whole runs: what is cached, what fails, what runs side by side, and what is told of it.

mod cache;
mod failure;
mod flight;
mod helpers;
mod processes;
mod threads;
mod why;
