// What does one hop to the pool and back cost? Go: a goroutine and a channel for its result.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"

	harness "weft/bench/support/go"
)

func main() {
	tasks := harness.Number("tasks", 1_000_000)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 1)))
	for r := uint64(0); r <= repetitions; r++ {
		watch := harness.Start()
		sum := uint64(0)
		result := make(chan uint64, 1)
		for i := uint64(0); i < tasks; i++ {
			i := i
			go func() { result <- i }()
			sum += <-result
		}
		each := watch.Each(tasks)
		if sum != tasks*(tasks-1)/2 {
			panic("a task did not run")
		}
		if r > 0 {
			each.Report("spawn_one", "allocations")
		}
	}
}
