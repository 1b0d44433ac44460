//! How a command ended.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitStatus {
    /// All is fine: 0.
    Success,
    /// There are findings or differences, or something is invalid: 1.
    Findings,
    /// It could not complete: 2.
    Incomplete,
    /// The user interrupted it: 130.
    Interrupted,
    /// What the pipeline's own process returned.
    Other(u8),
}

impl ExitStatus {
    /// The number that the process ends with.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            ExitStatus::Success => 0,
            ExitStatus::Findings => 1,
            ExitStatus::Incomplete => 2,
            ExitStatus::Interrupted => 130,
            ExitStatus::Other(code) => code,
        }
    }

    /// The status that a number stands for.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        match code {
            0 => ExitStatus::Success,
            1 => ExitStatus::Findings,
            2 => ExitStatus::Incomplete,
            130 => ExitStatus::Interrupted,
            other => ExitStatus::Other(other),
        }
    }
}
