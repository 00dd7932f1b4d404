// What does a call cost whose value is there already? Go: a plain call.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"
	"time"

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
		start := time.Now()
		sum := uint64(0)
		for i := uint64(0); i < calls; i++ {
			sum += leaf(i)
		}
		sink = sum
		if r > 0 {
			harness.Report("call", "ns", harness.NanosecondsEach(start, calls))
		}
	}
}
