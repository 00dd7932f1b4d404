//! What does a loop over items add to each item? tokio: a `JoinSet` that is kept small, and tasks behind an atomic counter.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};
use std::sync::Arc;
use tokio::task::JoinSet;

/// They live as long as the process, so that no task counts references to them.
type Marks = &'static [AtomicU8];

fn marks(items: u64) -> Marks {
    Box::leak((0..items).map(|_| AtomicU8::new(0)).collect())
}

async fn mark_at_once(done: Marks, item: u64) {
    done[item as usize].store(1, Ordering::Relaxed);
}

async fn mark_after_yield(done: Marks, item: u64) {
    tokio::task::yield_now().await;
    done[item as usize].store(1, Ordering::Relaxed);
}

/// Each item is a task; a new one begins when fewer than `degree` run.
async fn over_range<F>(body: fn(Marks, u64) -> F, items: u64, degree: u64) -> Cost
where
    F: Future<Output = ()> + Send + 'static,
{
    let done = marks(items);
    let watch = Stopwatch::start();
    let mut running = JoinSet::new();
    for item in 0..items {
        if running.len() as u64 == degree {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(body(done, item));
    }
    while let Some(one) = running.join_next().await {
        one.unwrap();
    }
    finish(watch, done)
}

/// Each of `degree` tasks takes numbers from a counter.
async fn over_numbers<F>(body: fn(Marks, u64) -> F, items: u64, degree: u64) -> Cost
where
    F: Future<Output = ()> + Send + 'static,
{
    let done = marks(items);
    let watch = Stopwatch::start();
    let taken = Arc::new(AtomicU64::new(0));
    let working: Vec<_> = (0..degree)
        .map(|_| {
            let taken = taken.clone();
            tokio::spawn(async move {
                loop {
                    let item = taken.fetch_add(1, Ordering::Relaxed);
                    if item >= items {
                        return;
                    }
                    body(done, item).await;
                }
            })
        })
        .collect();
    for one in working {
        one.await.unwrap();
    }
    finish(watch, done)
}

fn finish(watch: Stopwatch, done: Marks) -> Cost {
    let cost = watch.each(done.len() as u64);
    assert!(done.iter().all(|mark| mark.load(Ordering::Relaxed) == 1));
    cost
}

fn main() {
    let (trivial, yielding) = (number("trivial_items", 1_000_000), number("yielding_items", 100_000));
    let degree = number("degree", 2);
    let runtime = runtime(number("workers", 2));
    for repetition in 0..=number("repetitions", 3) {
        let trivial_cost = on_worker(&runtime, over_range(mark_at_once, trivial, degree));
        let yielding_cost = on_worker(&runtime, over_range(mark_after_yield, yielding, degree));
        let numbers_trivial = on_worker(&runtime, over_numbers(mark_at_once, trivial, degree));
        let numbers_yielding = on_worker(&runtime, over_numbers(mark_after_yield, yielding, degree));
        if repetition > 0 {
            trivial_cost.report("trivial", "allocations_trivial");
            yielding_cost.report("yielding", "allocations_yielding");
            numbers_trivial.report("numbers_trivial", "allocations_n_trivial");
            numbers_yielding.report("numbers_yielding", "allocations_n_yield");
        }
    }
}
