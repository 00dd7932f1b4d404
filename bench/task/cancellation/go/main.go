// What does it cost to be cancellable? Go: a child context, and Err.
// SPDX-License-Identifier: MIT
package main

import (
	"context"
	"runtime"

	harness "weft/bench/support/go"
)

func register(n uint64) harness.Cost {
	parent, end := context.WithCancel(context.Background())
	defer end()
	watch := harness.Start()
	for i := uint64(0); i < n; i++ {
		_, cancel := context.WithCancel(parent)
		cancel()
	}
	return watch.Each(n)
}

func check(n uint64) harness.Cost {
	ctx, end := context.WithCancel(context.Background())
	defer end()
	watch := harness.Start()
	for i := uint64(0); i < n; i++ {
		if ctx.Err() != nil {
			panic("nobody cancelled")
		}
	}
	return watch.Each(n)
}

func main() {
	n := harness.Number("operations", 5_000_000)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 1)))
	for r := uint64(0); r <= repetitions; r++ {
		registering, checking := register(n), check(n)
		if r > 0 {
			registering.Report("register", "allocations_register")
			checking.Report("check", "allocations_check")
		}
	}
}
