//! What does a lock between tasks cost? tokio: `Mutex`.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Mutex;

async fn count(to: Arc<Mutex<u64>>, n: u64) {
    for _ in 0..n {
        *to.lock().await += 1;
    }
}

async fn count_and_yield(to: Arc<Mutex<u64>>, n: u64) {
    for _ in 0..n {
        let mut value = to.lock().await;
        *value += 1;
        tokio::task::yield_now().await;
    }
}

async fn measure<F>(body: fn(Arc<Mutex<u64>>, u64) -> F, tasks: u64, each: u64) -> Cost
where
    F: Future<Output = ()> + Send + 'static,
{
    let shared = Arc::new(Mutex::new(0));
    let watch = Stopwatch::start();
    let counting: Vec<_> = (0..tasks).map(|_| tokio::spawn(body(shared.clone(), each))).collect();
    for one in counting {
        one.await.unwrap();
    }
    let cost = watch.each(tasks * each);
    assert_eq!(*shared.lock().await, tasks * each);
    cost
}

fn main() {
    let (tasks, locks, hand_offs) = (number("tasks", 16), number("locks", 4_000_000), number("hand_offs", 1_000_000));
    let runtime = runtime(number("workers", 2));
    for repetition in 0..=number("repetitions", 3) {
        let uncontended = on_worker(&runtime, measure(count, 1, locks));
        let contended = on_worker(&runtime, measure(count, tasks, locks / tasks));
        let hand_off = on_worker(&runtime, measure(count_and_yield, tasks, hand_offs / tasks));
        if repetition > 0 {
            uncontended.report("uncontended", "allocations");
            contended.report("contended", "allocations_contended");
            hand_off.report("hand_off", "allocations_hand_off");
        }
    }
}
