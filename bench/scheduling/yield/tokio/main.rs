//! What does letting others run cost? tokio: `yield_now`.
//! SPDX-License-Identifier: MIT

use harness::*;

fn main() {
    let yields = number("yields", 5_000_000);
    let tasks = number("tasks", 1);
    let each = yields / tasks;
    let runtime = runtime(number("workers", 2));
    for repetition in 0..=number("repetitions", 3) {
        let time = on_worker(&runtime, async move {
            let watch = Stopwatch::start();
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
            watch.each(each * tasks)
        });
        if repetition > 0 {
            time.report("yield", "allocations");
        }
    }
}
