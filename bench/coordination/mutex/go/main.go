// What does a lock between tasks cost? Go: sync.Mutex.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"
	"sync"

	harness "weft/bench/support/go"
)

type counter struct {
	mutex sync.Mutex
	value uint64
}

func count(to *counter, n uint64) {
	for i := uint64(0); i < n; i++ {
		to.mutex.Lock()
		to.value++
		to.mutex.Unlock()
	}
}

func countAndYield(to *counter, n uint64) {
	for i := uint64(0); i < n; i++ {
		to.mutex.Lock()
		to.value++
		runtime.Gosched()
		to.mutex.Unlock()
	}
}

func measure(body func(*counter, uint64), tasks, each uint64) harness.Cost {
	var shared counter
	watch := harness.Start()
	var done sync.WaitGroup
	done.Add(int(tasks))
	for t := uint64(0); t < tasks; t++ {
		go func() {
			body(&shared, each)
			done.Done()
		}()
	}
	done.Wait()
	cost := watch.Each(tasks * each)
	if shared.value != tasks*each {
		panic("a count was lost")
	}
	return cost
}

func main() {
	tasks := harness.Number("tasks", 16)
	locks := harness.Number("locks", 4_000_000)
	handOffs := harness.Number("hand_offs", 1_000_000)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 2)))
	for r := uint64(0); r <= repetitions; r++ {
		uncontended := measure(count, 1, locks)
		contended := measure(count, tasks, locks/tasks)
		handOff := measure(countAndYield, tasks, handOffs/tasks)
		if r == 0 {
			continue
		}
		uncontended.Report("uncontended", "allocations")
		contended.Report("contended", "allocations_contended")
		handOff.Report("hand_off", "allocations_hand_off")
	}
}
