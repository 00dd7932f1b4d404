// What does letting others run cost? Go: runtime.Gosched.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"
	"sync"

	harness "weft/bench/support/go"
)

func main() {
	yields := harness.Number("yields", 5_000_000)
	tasks := harness.Number("tasks", 1)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 2)))
	each := yields / tasks
	for r := uint64(0); r <= repetitions; r++ {
		watch := harness.Start()
		var done sync.WaitGroup
		done.Add(int(tasks))
		for t := uint64(0); t < tasks; t++ {
			go func() {
				for i := uint64(0); i < each; i++ {
					runtime.Gosched()
				}
				done.Done()
			}()
		}
		done.Wait()
		if r > 0 {
			watch.Each(each*tasks).Report("yield", "allocations")
		}
	}
}
