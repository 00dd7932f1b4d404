// What does an ambient value cost? Go: a value in a context.
// SPDX-License-Identifier: MIT
package main

import (
	"context"
	"runtime"

	harness "weft/bench/support/go"
)

type key struct{}

var sink context.Context

func read(n uint64) harness.Cost {
	ctx := context.WithValue(context.Background(), key{}, uint64(1))
	watch := harness.Start()
	sum := uint64(0)
	for i := uint64(0); i < n; i++ {
		sum += ctx.Value(key{}).(uint64)
	}
	if sum != n {
		panic("not the expected value")
	}
	return watch.Each(n)
}

func write(n uint64) harness.Cost {
	watch := harness.Start()
	for i := uint64(0); i < n; i++ {
		sink = context.WithValue(context.Background(), key{}, i)
	}
	return watch.Each(n)
}

func main() {
	n := harness.Number("operations", 10_000_000)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 1)))
	for r := uint64(0); r <= repetitions; r++ {
		reading, writing := read(n), write(n)
		if r > 0 {
			reading.Report("read", "allocations_read")
			writing.Report("write", "allocations_write")
		}
	}
}
