//! How fast does a TCP server send back what it gets? tokio: a task a connection; on one thread the current-thread runtime.
//! SPDX-License-Identifier: MIT

use harness::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn serve(mut stream: TcpStream, size: usize) {
    let mut buffer = vec![0u8; size];
    while let Ok(n) = stream.read(&mut buffer).await {
        if n == 0 || stream.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

fn listen() -> TcpListener {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16_384).unwrap();
    ready(listener.local_addr().unwrap().port());
    listener
}

async fn accept_here(size: usize) {
    let listener = listen();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::task::spawn_local(serve(stream, size));
    }
}

async fn accept_anywhere(size: usize) {
    let listener = listen();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(serve(stream, size));
    }
}

fn main() {
    let size = number("buffer", 16_384) as usize;
    let threads = number("threads", 1);
    if threads == 1 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, accept_here(size));
    } else {
        let threads = threads as usize;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
        runtime.block_on(runtime.spawn(accept_anywhere(size))).unwrap();
    }
}
