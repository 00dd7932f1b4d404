//! What does a failure cost that passes through many awaits? tokio: a `Result` with a boxed error.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;

type Outcome = Result<u64, Box<dyn Error + Send + Sync>>;

fn chain(depth: u64, fails: bool) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    Box::pin(async move {
        if depth > 0 {
            let below = chain(depth - 1, fails).await?;
            return Ok(below + 1);
        }
        tokio::task::yield_now().await;
        if fails {
            return Err("no".into());
        }
        Ok(depth)
    })
}

async fn measure(n: u64, depth: u64, fails: bool) -> Cost {
    let watch = Stopwatch::start();
    for _ in 0..n {
        assert_eq!(chain(depth, fails).await.is_err(), fails);
    }
    watch.each(n)
}

fn print(metric: &str, allocations: &str, each: Cost) {
    report(metric, "us", each.nanoseconds / 1e3);
    each.report_allocations(allocations);
}

fn main() {
    let n = number("failures", 20_000);
    let depth = number("depth", 16);
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let success = on_worker(&runtime, measure(n, depth, false));
        let error = on_worker(&runtime, measure(n, depth, true));
        if repetition > 0 {
            print("success", "allocations_success", success);
            print("error", "allocations_error", error);
        }
    }
}
