// What does a failure cost that passes through many awaits? Go: an error value; panic and recover stand beside exceptions.
// SPDX-License-Identifier: MIT
package main

import (
	"errors"
	"runtime"

	harness "weft/bench/support/go"
)

//go:noinline
func chain(depth uint64, fails, panics bool) (uint64, error) {
	if depth > 0 {
		below, err := chain(depth-1, fails, panics)
		if err != nil {
			return 0, err
		}
		return below + 1, nil
	}
	runtime.Gosched()
	if panics {
		panic("no")
	}
	if fails {
		return 0, errors.New("no")
	}
	return 0, nil
}

func recovered(depth uint64) (failed bool) {
	defer func() { failed = recover() != nil }()
	chain(depth, false, true)
	return
}

func measure(n, depth uint64, fails bool) harness.Cost {
	watch := harness.Start()
	for i := uint64(0); i < n; i++ {
		if _, err := chain(depth, fails, false); (err != nil) != fails {
			panic("not the expected result")
		}
	}
	return watch.Each(n)
}

func measurePanic(n, depth uint64) harness.Cost {
	watch := harness.Start()
	for i := uint64(0); i < n; i++ {
		if !recovered(depth) {
			panic("did not fail")
		}
	}
	return watch.Each(n)
}

func report(metric, allocations string, each harness.Cost) {
	harness.Report(metric, "us", each.Nanoseconds/1e3)
	each.ReportAllocations(allocations)
}

func main() {
	n := harness.Number("failures", 20_000)
	depth := harness.Number("depth", 16)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 1)))
	for r := uint64(0); r <= repetitions; r++ {
		success, failure, thrown := measure(n, depth, false), measure(n, depth, true), measurePanic(n, depth)
		if r == 0 {
			continue
		}
		report("success", "allocations_success", success)
		report("throw", "allocations_throw", thrown)
		report("error", "allocations_error", failure)
	}
}
