//! What does a round trip between two suspending tasks cost? tokio: two tasks and two `Notify`s.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::sync::Arc;
use tokio::sync::Notify;

fn main() {
    let n = number("round_trips", 1_000_000);
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let each = on_worker(&runtime, async move {
            let watch = Stopwatch::start();
            let there = Arc::new(Notify::new());
            let back = Arc::new(Notify::new());
            let partner = {
                let (there, back) = (there.clone(), back.clone());
                tokio::spawn(async move {
                    for _ in 0..n {
                        there.notified().await;
                        back.notify_one();
                    }
                })
            };
            for _ in 0..n {
                there.notify_one();
                back.notified().await;
            }
            partner.await.unwrap();
            watch.each(n)
        });
        if repetition > 0 {
            each.report("round_trip", "allocations");
        }
    }
}
