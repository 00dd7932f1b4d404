// What does a task cost that is spawned and joined? Go: a goroutine and a WaitGroup.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"
	"sync"
	"sync/atomic"

	harness "weft/bench/support/go"
)

func main() {
	tasks := harness.Number("tasks", 1_000_000)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 1)))
	for r := uint64(0); r <= repetitions; r++ {
		watch := harness.Start()
		var done sync.WaitGroup
		var count uint64
		done.Add(int(tasks))
		for i := uint64(0); i < tasks; i++ {
			go func() {
				atomic.AddUint64(&count, 1)
				done.Done()
			}()
		}
		done.Wait()
		if count != tasks {
			panic("a task did not run")
		}
		if r > 0 {
			watch.Each(tasks).Report("spawn_join", "allocations")
		}
	}
}
