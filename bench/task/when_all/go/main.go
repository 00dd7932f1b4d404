// What does waiting for many tasks cost? Go: goroutines and a WaitGroup.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"
	"sync"

	harness "weft/bench/support/go"
)

func main() {
	children := harness.Number("children", 2)
	groups := harness.Number("tasks", 500_000) / children
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 1)))
	for r := uint64(0); r <= repetitions; r++ {
		watch := harness.Start()
		for g := uint64(0); g < groups; g++ {
			var done sync.WaitGroup
			done.Add(int(children))
			for i := uint64(0); i < children; i++ {
				go func() {
					runtime.Gosched()
					done.Done()
				}()
			}
			done.Wait()
		}
		each := watch.Each(groups * children)
		if r > 0 {
			each.Report("when_all", "allocations")
		}
	}
}
