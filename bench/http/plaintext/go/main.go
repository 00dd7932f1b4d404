// How fast is a small page over kept-alive connections? Go: net/http.
// SPDX-License-Identifier: MIT
package main

import (
	"net"
	"net/http"
	"runtime"

	harness "weft/bench/support/go"
)

func main() {
	runtime.GOMAXPROCS(1)
	body := []byte("Hello, World!")
	routes := http.NewServeMux()
	routes.HandleFunc("/plaintext", func(response http.ResponseWriter, _ *http.Request) {
		headers := response.Header()
		headers["Server"] = []string{"go"}
		headers["Content-Type"] = []string{"text/plain"}
		response.Write(body)
	})
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	harness.Ready(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, routes))
}
