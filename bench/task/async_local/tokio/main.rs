//! What does an ambient value cost? tokio: `task_local!`; a write is a scope around a future.
//! SPDX-License-Identifier: MIT

use harness::*;

tokio::task_local! {
    static VARIABLE: u64;
}

async fn read(n: u64) -> Cost {
    let watch = Stopwatch::start();
    let mut sum = 0;
    for _ in 0..n {
        sum = keep(sum + VARIABLE.with(|value| *value));
    }
    assert_eq!(sum, n);
    watch.each(n)
}

async fn write(n: u64) -> Cost {
    let watch = Stopwatch::start();
    for i in 0..n {
        VARIABLE.scope(i, async { VARIABLE.with(|value| keep(*value)) }).await;
    }
    watch.each(n)
}

fn main() {
    let n = number("operations", 10_000_000);
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let reading = on_worker(&runtime, VARIABLE.scope(1, read(n)));
        let writing = on_worker(&runtime, write(n));
        if repetition > 0 {
            reading.report("read", "allocations_read");
            writing.report("write", "allocations_write");
        }
    }
}
