//! What does a call cost whose value is there already? tokio: an async fn without a box.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::time::Instant;

#[inline(never)]
fn body(i: u64) -> u64 {
    i + 1
}

async fn leaf(i: u64) -> u64 {
    body(i)
}

fn main() {
    let calls = number("calls", 100_000_000);
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let each = on_worker(&runtime, async move {
            let start = Instant::now();
            let mut sum = 0u64;
            for i in 0..calls {
                sum = sum.wrapping_add(leaf(i).await);
            }
            keep(sum);
            nanoseconds_each(start, calls)
        });
        if repetition > 0 {
            report("call", "ns", each);
        }
    }
}
