// What does a message cost when two tasks answer each other? Go: two channels.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"

	harness "weft/bench/support/go"
)

func main() {
	messages := harness.Number("messages", 1_000_000)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 1)))
	for r := uint64(0); r <= repetitions; r++ {
		there, back := make(chan uint64, 1), make(chan uint64, 1)
		go func() {
			for i := uint64(0); i < messages/2; i++ {
				back <- 1 + <-there
			}
		}()
		watch := harness.Start()
		var message uint64
		for i := uint64(0); i < messages/2; i++ {
			there <- message + 1
			message = <-back
		}
		cost := watch.Each(messages / 2 * 2)
		if message != messages/2*2 {
			panic("a message was lost")
		}
		if r > 0 {
			cost.Report("message", "allocations")
		}
	}
}
