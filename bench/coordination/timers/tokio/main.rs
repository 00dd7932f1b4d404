//! What do a million different times cost, and a timer that never fires? tokio: `sleep`.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::{sleep, Sleep};

const HOUR: Duration = Duration::from_secs(3600);

/// The time of timer `i`, as in times.hpp.
fn time_below(limit: Duration, i: u64) -> Duration {
    let mut x = (i + 1).wrapping_mul(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d049bb133111eb);
    Duration::from_nanos((x ^ (x >> 31)) % limit.as_nanos() as u64)
}

struct Group {
    late: Vec<AtomicI64>,
    running: AtomicU64,
    done: Notify,
}

async fn sleep_all(count: u64, limit: Duration) -> (f64, Vec<i64>) {
    let all = Arc::new(Group {
        late: (0..count).map(|_| AtomicI64::new(1)).collect(),
        running: AtomicU64::new(count),
        done: Notify::new(),
    });
    let cpu = cpu_seconds();
    for i in 0..count {
        let all = all.clone();
        let duration = time_below(limit, i);
        tokio::spawn(async move {
            let deadline = Instant::now() + duration;
            sleep(duration).await;
            all.late[i as usize].store(deadline.elapsed().as_nanos() as i64, Ordering::Relaxed);
            if all.running.fetch_sub(1, Ordering::AcqRel) == 1 {
                all.done.notify_one();
            }
        });
    }
    all.done.notified().await;
    let cpu = cpu_seconds() - cpu;
    (cpu, all.late.iter().map(|l| l.load(Ordering::Relaxed)).collect())
}

/// A timer is armed when it is polled first.
struct Arm<'a>(Pin<&'a mut Sleep>);

impl Future for Arm<'_> {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        assert!(self.0.as_mut().poll(context).is_pending());
        Poll::Ready(())
    }
}

async fn arm_and_cancel(count: u64) -> Cost {
    let watch = Stopwatch::start();
    for i in 0..count {
        let unneeded = sleep(HOUR + time_below(HOUR, i));
        tokio::pin!(unneeded);
        Arm(unneeded.as_mut()).await;
    }
    watch.each(count)
}

async fn arm_and_cancel_many(count: u64) -> Cost {
    let mut armed = Vec::with_capacity(count as usize);
    let watch = Stopwatch::start();
    for i in 0..count {
        let mut one = Box::pin(sleep(HOUR + time_below(HOUR, i)));
        Arm(one.as_mut()).await;
        armed.push(one);
    }
    drop(armed);
    watch.each(count)
}

fn main() {
    let limit = Duration::from_millis(number("milliseconds", 1000));
    let (timers, cancelled) = (number("timers", 1_000_000), number("cancelled", 1_000_000));
    let standing = number("standing", 100_000);
    let runtime = runtime(number("workers", 2));
    for repetition in 0..=number("repetitions", 3) {
        let (cpu, late) = on_worker(&runtime, sleep_all(timers, limit));
        let alone = on_worker(&runtime, arm_and_cancel(cancelled));
        let many = on_worker(&runtime, arm_and_cancel_many(standing));
        if repetition > 0 {
            report("cpu", "s", cpu);
            report_lateness(late);
            alone.report("arm_and_cancel", "allocations");
            many.report("arm_and_cancel_many", "allocations_many");
        }
    }
}
