//! What does a message cost when two tasks answer each other? tokio: two `mpsc` channels.
//! SPDX-License-Identifier: MIT

use harness::*;
use tokio::sync::mpsc;

async fn measure(messages: u64) -> Cost {
    let (there, mut arrivals) = mpsc::channel::<u64>(1);
    let (back, mut answers) = mpsc::channel::<u64>(1);
    let partner = tokio::spawn(async move {
        for _ in 0..messages / 2 {
            let message = arrivals.recv().await.unwrap();
            back.send(message + 1).await.unwrap();
        }
    });
    let watch = Stopwatch::start();
    let mut message = 0;
    for _ in 0..messages / 2 {
        there.send(message + 1).await.unwrap();
        message = answers.recv().await.unwrap();
    }
    let cost = watch.each(messages / 2 * 2);
    partner.await.unwrap();
    assert_eq!(message, messages / 2 * 2);
    cost
}

fn main() {
    let messages = number("messages", 1_000_000);
    let runtime = runtime(number("workers", 1));
    for repetition in 0..=number("repetitions", 3) {
        let each = on_worker(&runtime, measure(messages));
        if repetition > 0 {
            each.report("message", "allocations");
        }
    }
}
