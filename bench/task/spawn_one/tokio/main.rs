//! What does one hop to the pool and back cost? tokio: `spawn` and its `JoinHandle`.
//! SPDX-License-Identifier: MIT

use harness::*;

fn main() {
    let tasks = number("tasks", 1_000_000);
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let each = on_worker(&runtime, async move {
            let watch = Stopwatch::start();
            let mut sum = 0;
            for i in 0..tasks {
                sum += tokio::spawn(async move { i }).await.unwrap();
            }
            let each = watch.each(tasks);
            assert_eq!(sum, tasks * (tasks - 1) / 2);
            each
        });
        if repetition > 0 {
            each.report("spawn_one", "allocations");
        }
    }
}
