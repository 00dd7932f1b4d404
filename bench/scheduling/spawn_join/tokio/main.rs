//! What does a task cost that is spawned and joined? tokio: `spawn` and its `JoinHandle`.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

fn main() {
    let tasks = number("tasks", 1_000_000);
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let each = on_worker(&runtime, async move {
            let count = Arc::new(AtomicU64::new(0));
            let watch = Stopwatch::start();
            let mut handles = Vec::with_capacity(tasks as usize);
            for _ in 0..tasks {
                let count = count.clone();
                handles.push(tokio::spawn(async move {
                    count.fetch_add(1, Ordering::Relaxed);
                }));
            }
            for handle in handles {
                handle.await.unwrap();
            }
            let each = watch.each(tasks);
            assert_eq!(count.load(Ordering::Relaxed), tasks);
            each
        });
        if repetition > 0 {
            each.report("spawn_join", "allocations");
        }
    }
}
