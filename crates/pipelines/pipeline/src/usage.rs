//! What a step used: processor time, and memory at the most.

use std::sync::Mutex;
use std::time::Duration;

use cannery_store::Usage;

/// How many steps of this process are being measured.
static MEASURED: Mutex<usize> = Mutex::new(0);

/// From the beginning of a step to its end.
pub(crate) struct Measuring {
    began: Option<Duration>,
    of_process: bool,
}

impl Measuring {
    /// Of a step that is done by the calling thread. The memory is that of the whole process: with
    /// other steps at work it is theirs, too.
    pub(crate) fn of_thread() -> Self {
        Self::new(false)
    }

    /// Of a step that has the process for itself.
    pub(crate) fn of_process() -> Self {
        Self::new(true)
    }

    fn new(of_process: bool) -> Self {
        if let Ok(mut measured) = MEASURED.lock() {
            if *measured == 0 {
                forget_peak();
            }
            *measured += 1;
        }
        Self { began: cpu_time(of_process), of_process }
    }

    /// What was used by now.
    pub(crate) fn usage(&self) -> Usage {
        let cpu = cpu_time(self.of_process).zip(self.began);
        Usage { cpu: cpu.map(|(now, began)| now.saturating_sub(began)), memory: peak() }
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        if let Ok(mut measured) = MEASURED.lock() {
            *measured -= 1;
        }
    }
}

#[cfg(unix)]
fn cpu_time(of_process: bool) -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};

    let clock = if of_process { ClockId::ProcessCPUTime } else { ClockId::ThreadCPUTime };
    Duration::try_from(clock_gettime(clock)).ok()
}

#[cfg(not(unix))]
fn cpu_time(_: bool) -> Option<Duration> {
    None
}

/// Lets the peak begin anew, where the system can.
#[cfg(target_os = "linux")]
fn forget_peak() {
    // What cannot be reset is the peak since the process began: not less than the step's.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

#[cfg(not(target_os = "linux"))]
fn forget_peak() {}

#[cfg(target_os = "linux")]
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(not(target_os = "linux"))]
fn peak() -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn time_and_memory_are_measured() {
        let measuring = Measuring::of_thread();
        let bytes = vec![1_u8; 64 << 20];
        let sum: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
        let usage = measuring.usage();
        assert_eq!(sum, 64 << 20);
        assert!(usage.memory.unwrap() > 64 << 20, "{usage:?}");
        assert!(usage.cpu.unwrap() > Duration::ZERO, "{usage:?}");
    }
}
