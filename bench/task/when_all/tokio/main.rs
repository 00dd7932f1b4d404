//! What does waiting for many tasks cost? tokio: a `JoinSet`.
//! SPDX-License-Identifier: MIT

use harness::*;
use tokio::task::JoinSet;

fn main() {
    let children = number("children", 2);
    let groups = number("tasks", 500_000) / children;
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let each = on_worker(&runtime, async move {
            let watch = Stopwatch::start();
            for _ in 0..groups {
                let mut set = JoinSet::new();
                for _ in 0..children {
                    set.spawn(tokio::task::yield_now());
                }
                while let Some(one) = set.join_next().await {
                    one.unwrap();
                }
            }
            watch.each(groups * children)
        });
        if repetition > 0 {
            each.report("when_all", "allocations");
        }
    }
}
