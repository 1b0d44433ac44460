//! How the steps of a run are done.

use std::sync::Arc;

use crate::{Executor, Observer};

/// How the steps of a run are done.
#[derive(Clone, Debug)]
pub(crate) struct RunOptions {
    pub(crate) workers: usize,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) keep_going: bool,
    pub(crate) is_dry: bool,
}
