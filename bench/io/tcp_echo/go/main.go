// How fast does a TCP server send back what it gets? Go: a goroutine a connection.
// SPDX-License-Identifier: MIT
package main

import (
	"net"
	"runtime"

	harness "weft/bench/support/go"
)

func serve(connection net.Conn, size uint64) {
	defer connection.Close()
	buffer := make([]byte, size)
	for {
		n, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err = connection.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func main() {
	size := harness.Number("buffer", 4096)
	runtime.GOMAXPROCS(int(harness.Number("threads", 1)))
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	harness.Ready(listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(connection, size)
	}
}
