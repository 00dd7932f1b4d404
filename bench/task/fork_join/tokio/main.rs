//! What does a fork cost in a recursion? tokio: `spawn` for one half, a call for the other; a recursive future is boxed.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::future::Future;
use std::pin::Pin;

/// The number of calls rather than the Fibonacci number itself: it is what the time is divided by.
fn calls_of(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if n < 2 {
            return 1;
        }
        let forked = tokio::spawn(calls_of(n - 1));
        let called = calls_of(n - 2).await;
        1 + called + forked.await.unwrap()
    })
}

fn main() {
    let n = number("number", 27);
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let each = on_worker(&runtime, async move {
            let watch = Stopwatch::start();
            let calls = calls_of(n).await;
            watch.each(calls)
        });
        if repetition > 0 {
            each.report("fork_join", "allocations");
        }
    }
}
