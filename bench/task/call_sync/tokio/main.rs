//! What does a call cost that could have waited but did not? tokio: `call` boxes the future, as every coroutine with a
//! frame of its own must; `call_ready` lets the compiler fold the callee into its caller.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::future::Future;
use std::pin::Pin;

#[inline(never)]
fn body(i: u64) -> u64 {
    i + 1
}

async fn leaf(i: u64) -> u64 {
    body(i)
}

fn boxed_leaf(i: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { i + 1 })
}

fn main() {
    let calls = number("calls", 20_000_000);
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let (boxed, inline) = on_worker(&runtime, async move {
            let watch = Stopwatch::start();
            let mut sum = 0u64;
            for i in 0..calls {
                sum = sum.wrapping_add(keep(boxed_leaf(i)).await);
            }
            keep(sum);
            let boxed = watch.each(calls);
            let watch = Stopwatch::start();
            let mut sum = 0u64;
            for i in 0..calls {
                sum = sum.wrapping_add(leaf(i).await);
            }
            keep(sum);
            (boxed, watch.each(calls))
        });
        if repetition > 0 {
            boxed.report("call", "allocations");
            inline.report("call_ready", "allocations_ready");
        }
    }
}
