//! What does a limit of tasks inside a region cost? tokio: `Semaphore`.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::sync::Arc;
use tokio::sync::Semaphore;

async fn take_turns(gate: Arc<Semaphore>, n: u64) {
    for _ in 0..n {
        let _permit = gate.acquire().await.unwrap();
        tokio::task::yield_now().await;
    }
}

async fn measure(tasks: u64, permits: u64, each: u64) -> Cost {
    let gate = Arc::new(Semaphore::new(permits as usize));
    let watch = Stopwatch::start();
    let taking: Vec<_> = (0..tasks).map(|_| tokio::spawn(take_turns(gate.clone(), each))).collect();
    for one in taking {
        one.await.unwrap();
    }
    let cost = watch.each(tasks * each);
    assert_eq!(gate.available_permits() as u64, permits);
    cost
}

fn main() {
    let (tasks, permits) = (number("tasks", 16), number("permits", 4));
    let each = number("turns", 2_000_000) / tasks;
    let runtime = runtime(number("workers", 2));
    for repetition in 0..=number("repetitions", 3) {
        let turn = on_worker(&runtime, measure(tasks, permits, each));
        if repetition > 0 {
            turn.report("turn", "allocations");
        }
    }
}
