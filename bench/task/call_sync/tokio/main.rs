//! What does a call cost that could have waited but did not? tokio: `call` boxes the future, as every coroutine with a
//! frame of its own must; `call_inline` lets the compiler fold the callee into its caller, which a C++ task cannot do.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

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
            let start = Instant::now();
            let mut sum = 0u64;
            for i in 0..calls {
                sum = sum.wrapping_add(keep(boxed_leaf(i)).await);
            }
            keep(sum);
            let boxed = nanoseconds_each(start, calls);
            let start = Instant::now();
            let mut sum = 0u64;
            for i in 0..calls {
                sum = sum.wrapping_add(leaf(i).await);
            }
            keep(sum);
            (boxed, nanoseconds_each(start, calls))
        });
        if repetition > 0 {
            report("call", "ns", boxed);
            report("call_inline", "ns", inline);
        }
    }
}
