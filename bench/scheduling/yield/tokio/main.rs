//! What does letting others run cost? tokio: `yield_now`.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::time::Instant;

fn main() {
    let yields = number("yields", 5_000_000);
    let tasks = number("tasks", 1);
    let each = yields / tasks;
    let runtime = runtime(number("workers", 2));
    for repetition in 0..=number("repetitions", 3) {
        let time = on_worker(&runtime, async move {
            let start = Instant::now();
            let mut handles = Vec::with_capacity(tasks as usize);
            for _ in 0..tasks {
                handles.push(tokio::spawn(async move {
                    for _ in 0..each {
                        tokio::task::yield_now().await;
                    }
                }));
            }
            for handle in handles {
                handle.await.unwrap();
            }
            nanoseconds_each(start, each * tasks)
        });
        if repetition > 0 {
            report("yield", "ns", time);
        }
    }
}
