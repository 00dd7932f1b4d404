//! What does it cost to be cancellable? tokio: the future of a `CancellationToken`, polled once and dropped, and a look at it.
//! SPDX-License-Identifier: MIT

use harness::*;
use tokio_util::sync::CancellationToken;

async fn register(n: u64) -> Cost {
    let token = CancellationToken::new();
    let watch = Stopwatch::start();
    for _ in 0..n {
        tokio::select! {
            biased;
            _ = token.cancelled() => unreachable!(),
            _ = std::future::ready(()) => {}
        }
    }
    watch.each(n)
}

async fn check(n: u64) -> Cost {
    let token = CancellationToken::new();
    let watch = Stopwatch::start();
    for _ in 0..n {
        assert!(!keep(token.is_cancelled()));
    }
    watch.each(n)
}

fn main() {
    let n = number("operations", 5_000_000);
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let registering = on_worker(&runtime, register(n));
        let checking = on_worker(&runtime, check(n));
        if repetition > 0 {
            registering.report("register", "allocations_register");
            checking.report("check", "allocations_check");
        }
    }
}
