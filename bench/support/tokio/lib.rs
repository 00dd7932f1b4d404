//! What every tokio benchmark program shares: arguments, runtime, memory, one line a measurement.
//! SPDX-License-Identifier: MIT

use std::future::Future;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};

/// The value of the argument `name=value`, or `fallback`.
pub fn number(name: &str, fallback: u64) -> u64 {
    std::env::args()
        .skip(1)
        .find_map(|a| a.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).map(|v| v.parse().unwrap()))
        .unwrap_or(fallback)
}

/// Prints one sample; run.py gathers them.
pub fn report(metric: &str, unit: &str, value: f64) {
    println!("measure {} {} {:.6}", metric, unit, value);
}

/// Announces the port a server listens on.
pub fn ready(port: u16) {
    println!("ready {}", port);
}

/// Nanoseconds since `start`, divided among `operations`.
pub fn nanoseconds_each(start: Instant, operations: u64) -> f64 {
    start.elapsed().as_nanos() as f64 / operations as f64
}

/// What one operation cost.
#[derive(Clone, Copy)]
pub struct Cost {
    pub nanoseconds: f64,
    /// Calls of the C library's allocator by the whole process, where somebody counts.
    pub allocations: Option<f64>,
}

/// Time and allocations since `start`.
pub struct Stopwatch {
    allocated: Option<u64>,
    start: Instant,
}

/// Calls of the allocator until now; none unless run.py counts (support/allocations.cpp).
fn allocations() -> Option<u64> {
    let counter: Option<extern "C" fn() -> u64> =
        unsafe { std::mem::transmute(libc::dlsym(libc::RTLD_DEFAULT, b"bench_allocations\0".as_ptr().cast())) };
    counter.map(|count| count())
}

impl Stopwatch {
    pub fn start() -> Self {
        Stopwatch { allocated: allocations(), start: Instant::now() }
    }

    /// Divided among `operations`.
    pub fn each(&self, operations: u64) -> Cost {
        let nanoseconds = nanoseconds_each(self.start, operations);
        let allocated = allocations().zip(self.allocated).map(|(now, then)| now - then);
        Cost { nanoseconds, allocations: allocated.map(|n| n as f64 / operations as f64) }
    }
}

impl Cost {
    /// Prints both.
    pub fn report(&self, metric: &str, allocations: &str) {
        report(metric, "ns", self.nanoseconds);
        self.report_allocations(allocations);
    }

    /// Prints the allocations of an operation, where they are counted.
    pub fn report_allocations(&self, metric: &str) {
        if let Some(each) = self.allocations {
            report(metric, "1", (each * 1000.0).round() / 1000.0);
        }
    }
}

/// The multi-thread runtime with `workers` threads.
pub fn runtime(workers: u64) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers as usize).enable_all().build().unwrap()
}

/// Runs `body` as a spawned task, so that it works on a worker and not on the blocked main thread.
pub fn on_worker<F>(runtime: &Runtime, body: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    runtime.block_on(async move { tokio::spawn(body).await.unwrap() })
}

/// Resident memory of this process now, in bytes.
pub fn resident_bytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = text.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as f64
}

/// User and system time this process has used, in seconds.
pub fn cpu_seconds() -> f64 {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Reports the distribution of nanoseconds late.
pub fn report_lateness(mut late: Vec<i64>) {
    late.sort_unstable();
    let at = |parts: usize| late[(late.len() - 1) * parts / 1000] as f64 / 1e6;
    report("late_p50", "ms", at(500));
    report("late_p99", "ms", at(990));
    report("late_max", "ms", at(1000));
}

/// Makes the compiler believe that `value` is read and changed here (`std::hint::black_box` is younger than rustc 1.63).
pub fn keep<T>(mut value: T) -> T {
    unsafe { std::arch::asm!("/* {0} */", in(reg) &mut value, options(nostack, preserves_flags)) };
    value
}
