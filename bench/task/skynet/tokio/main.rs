//! What does a tree of a million tasks cost? tokio: `spawn` and the `JoinHandle`s; a recursive future is boxed.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::future::Future;
use std::pin::Pin;

fn node(first: u64, leaves: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if leaves == 1 {
            return first;
        }
        let mut children = Vec::with_capacity(10);
        for i in 0..10 {
            children.push(tokio::spawn(node(first + i * (leaves / 10), leaves / 10)));
        }
        let mut sum = 0;
        for child in children {
            sum += child.await.unwrap();
        }
        sum
    })
}

fn main() {
    let leaves = number("leaves", 1_000_000);
    let tasks = (leaves * 10 - 1) / 9;
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let each = on_worker(&runtime, async move {
            let watch = Stopwatch::start();
            let sum = node(0, leaves).await;
            let each = watch.each(tasks);
            assert_eq!(sum, leaves * (leaves - 1) / 2);
            each
        });
        if repetition > 0 {
            report("skynet", "ms", each.nanoseconds * tasks as f64 / 1e6);
            each.report_allocations("allocations");
        }
    }
}
