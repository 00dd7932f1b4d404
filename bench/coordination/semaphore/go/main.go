// What does a limit of tasks inside a region cost? Go: a buffered channel.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"
	"sync"

	harness "weft/bench/support/go"
)

func main() {
	tasks := harness.Number("tasks", 16)
	permits := harness.Number("permits", 4)
	each := harness.Number("turns", 2_000_000) / tasks
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 2)))
	for r := uint64(0); r <= repetitions; r++ {
		gate := make(chan struct{}, permits)
		watch := harness.Start()
		var done sync.WaitGroup
		done.Add(int(tasks))
		for t := uint64(0); t < tasks; t++ {
			go func() {
				for i := uint64(0); i < each; i++ {
					gate <- struct{}{}
					runtime.Gosched()
					<-gate
				}
				done.Done()
			}()
		}
		done.Wait()
		if r > 0 {
			watch.Each(tasks*each).Report("turn", "allocations")
		}
	}
}
