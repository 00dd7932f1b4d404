// What does a call cost that could have waited but did not? Go: a plain call, which is all a goroutine needs.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"

	harness "weft/bench/support/go"
)

var sink uint64

//go:noinline
func leaf(i uint64) uint64 { return i + 1 }

func main() {
	calls := harness.Number("calls", 20_000_000)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 1)))
	for r := uint64(0); r <= repetitions; r++ {
		watch := harness.Start()
		sum := uint64(0)
		for i := uint64(0); i < calls; i++ {
			sum += leaf(i)
		}
		sink = sum
		each := watch.Each(calls)
		if r > 0 {
			each.Report("call", "allocations")
			each.Report("call_ready", "allocations_ready") // there is no other kind
		}
	}
}
