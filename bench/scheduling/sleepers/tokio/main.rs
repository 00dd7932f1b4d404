//! What does a million sleeping tasks cost? tokio: `sleep`, or `sleep` beside a `CancellationToken`.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

struct Shared {
    late: Vec<AtomicI64>,
    running: AtomicU64,
    done: Notify,
    token: CancellationToken,
}

impl Shared {
    fn finish(&self, i: usize, deadline: Instant) {
        self.late[i].store(deadline.elapsed().as_nanos() as i64, Ordering::Relaxed);
        if self.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }
}

fn spawn_plain(shared: Arc<Shared>, i: usize, duration: Duration) {
    tokio::spawn(async move {
        let deadline = Instant::now() + duration;
        tokio::time::sleep(duration).await;
        shared.finish(i, deadline);
    });
}

fn spawn_cancellable(shared: Arc<Shared>, i: usize, duration: Duration) {
    tokio::spawn(async move {
        let deadline = Instant::now() + duration;
        tokio::select! {
            _ = tokio::time::sleep(duration) => {}
            _ = shared.token.cancelled() => {}
        }
        shared.finish(i, deadline);
    });
}

fn main() {
    let sleepers = number("sleepers", 1_000_000);
    let duration = Duration::from_millis(number("milliseconds", 10_000));
    let token = number("token", 0) != 0;
    let runtime = runtime(number("workers", 2));
    let shared = Arc::new(Shared {
        late: (0..sleepers).map(|_| AtomicI64::new(1)).collect(),
        running: AtomicU64::new(sleepers),
        done: Notify::new(),
        token: CancellationToken::new(),
    });
    let all = shared.clone();
    on_worker(&runtime, async move {
        let (before, cpu, start) = (resident_bytes(), cpu_seconds(), Instant::now());
        for i in 0..sleepers as usize {
            if token {
                spawn_cancellable(shared.clone(), i, duration);
            } else {
                spawn_plain(shared.clone(), i, duration);
            }
        }
        let spawned = nanoseconds_each(start, sleepers);
        tokio::time::sleep(duration / 2).await; // by now every task has started to sleep
        let after = resident_bytes();
        shared.done.notified().await;
        report("bytes_each", "B", (after - before) / sleepers as f64);
        report("spawn_each", "ns", spawned);
        report("cpu", "s", cpu_seconds() - cpu);
    });
    report_lateness(all.late.iter().map(|l| l.load(Ordering::Relaxed)).collect());
}
