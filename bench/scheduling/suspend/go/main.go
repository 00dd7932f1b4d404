// What does a round trip between two suspending tasks cost? Go: two goroutines and two unbuffered channels.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"

	harness "weft/bench/support/go"
)

func roundTrips(n uint64) {
	there, back := make(chan struct{}), make(chan struct{})
	go func() {
		for i := uint64(0); i < n; i++ {
			<-there
			back <- struct{}{}
		}
	}()
	for i := uint64(0); i < n; i++ {
		there <- struct{}{}
		<-back
	}
}

func main() {
	n := harness.Number("round_trips", 1_000_000)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 1)))
	for r := uint64(0); r <= repetitions; r++ {
		watch := harness.Start()
		roundTrips(n)
		if r > 0 {
			watch.Each(n).Report("round_trip", "allocations")
		}
	}
}
