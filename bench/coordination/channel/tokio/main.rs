//! What does it cost to pass an item from task to task? tokio: `mpsc`.
//! SPDX-License-Identifier: MIT

use harness::*;
use std::sync::Arc;
use tokio::sync::{mpsc, Mutex};

enum Sender {
    Bounded(mpsc::Sender<u64>),
    Unbounded(mpsc::UnboundedSender<u64>),
}

enum Receiver {
    Bounded(mpsc::Receiver<u64>),
    Unbounded(mpsc::UnboundedReceiver<u64>),
}

impl Sender {
    fn another(&self) -> Sender {
        match self {
            Sender::Bounded(one) => Sender::Bounded(one.clone()),
            Sender::Unbounded(one) => Sender::Unbounded(one.clone()),
        }
    }
    async fn send(&self, item: u64) {
        match self {
            Sender::Bounded(one) => one.send(item).await.unwrap(),
            Sender::Unbounded(one) => one.send(item).unwrap(),
        }
    }
}

impl Receiver {
    async fn receive(&mut self) -> Option<u64> {
        match self {
            Receiver::Bounded(one) => one.recv().await,
            Receiver::Unbounded(one) => one.recv().await,
        }
    }
}

async fn pass(items: u64, producers: u64, consumers: u64, capacity: u64) -> Cost {
    let (sender, mut receiver) = if capacity == 0 {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Sender::Unbounded(sender), Receiver::Unbounded(receiver))
    } else {
        let (sender, receiver) = mpsc::channel(capacity as usize);
        (Sender::Bounded(sender), Receiver::Bounded(receiver))
    };
    let each = items / producers;
    let watch = Stopwatch::start();
    let mut reading = Vec::new();
    if consumers == 1 {
        reading.push(tokio::spawn(async move {
            let mut sum = 0;
            while let Some(item) = receiver.receive().await {
                sum += item;
            }
            sum
        }));
    } else {
        let shared = Arc::new(Mutex::new(receiver));
        for _ in 0..consumers {
            let shared = shared.clone();
            reading.push(tokio::spawn(async move {
                let mut sum = 0;
                loop {
                    let item = shared.lock().await.receive().await;
                    match item {
                        Some(item) => sum += item,
                        None => return sum,
                    }
                }
            }));
        }
    }
    let mut writing = Vec::new();
    for _ in 0..producers {
        let sender = sender.another();
        writing.push(tokio::spawn(async move {
            for item in 0..each {
                sender.send(item).await;
            }
        }));
    }
    drop(sender);
    for one in writing {
        one.await.unwrap();
    }
    let mut sum = 0u64;
    for one in reading {
        sum += one.await.unwrap();
    }
    assert_eq!(sum, producers * (each * (each - 1) / 2));
    watch.each(each * producers)
}

fn main() {
    let items = number("items", 2_000_000);
    let (producers, consumers, capacity) = (number("producers", 1), number("consumers", 1), number("capacity", 1));
    let runtime = runtime(number("workers", 2));
    for repetition in 0..=number("repetitions", 3) {
        let each = on_worker(&runtime, pass(items, producers, consumers, capacity));
        if repetition > 0 {
            each.report("item", "allocations");
        }
    }
}
