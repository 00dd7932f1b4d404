// What does a fork cost in a recursion? Go: a goroutine with a channel for one half, a call for the other.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"

	harness "weft/bench/support/go"
)

// The number of calls rather than the Fibonacci number itself: it is what the time is divided by.
func callsOf(n uint64) uint64 {
	if n < 2 {
		return 1
	}
	forked := make(chan uint64, 1)
	go func() { forked <- callsOf(n - 1) }()
	called := callsOf(n - 2)
	return 1 + called + <-forked
}

func main() {
	n := harness.Number("number", 27)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 1)))
	for r := uint64(0); r <= repetitions; r++ {
		watch := harness.Start()
		calls := callsOf(n)
		each := watch.Each(calls)
		if r > 0 {
			each.Report("fork_join", "allocations")
		}
	}
}
