// What does a loop over items add to each item? Go: goroutines behind a channel, and behind an atomic counter.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"
	"sync"
	"sync/atomic"

	harness "weft/bench/support/go"
)

type body func(done []byte, item uint64)

//go:noinline
func markAtOnce(done []byte, item uint64) { done[item] = 1 }

//go:noinline
func markAfterYield(done []byte, item uint64) {
	runtime.Gosched()
	done[item] = 1
}

// Each of degree goroutines takes items from a channel.
func overChannel(call body, done []byte, degree uint64) {
	items := make(chan uint64, 1024)
	var working sync.WaitGroup
	working.Add(int(degree))
	for i := uint64(0); i < degree; i++ {
		go func() {
			for item := range items {
				call(done, item)
			}
			working.Done()
		}()
	}
	for item := range done {
		items <- uint64(item)
	}
	close(items)
	working.Wait()
}

// Each of degree goroutines takes numbers from a counter.
func overNumbers(call body, done []byte, degree uint64) {
	var taken uint64
	var working sync.WaitGroup
	working.Add(int(degree))
	for i := uint64(0); i < degree; i++ {
		go func() {
			for {
				item := atomic.AddUint64(&taken, 1) - 1
				if item >= uint64(len(done)) {
					break
				}
				call(done, item)
			}
			working.Done()
		}()
	}
	working.Wait()
}

func measure(loop func(body, []byte, uint64), call body, items, degree uint64) harness.Cost {
	done := make([]byte, items)
	watch := harness.Start()
	loop(call, done, degree)
	cost := watch.Each(items)
	for _, mark := range done {
		if mark != 1 {
			panic("an item was left out")
		}
	}
	return cost
}

func main() {
	trivial := harness.Number("trivial_items", 1_000_000)
	yielding := harness.Number("yielding_items", 100_000)
	degree := harness.Number("degree", 2)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 2)))
	for r := uint64(0); r <= repetitions; r++ {
		trivialCost := measure(overChannel, markAtOnce, trivial, degree)
		yieldingCost := measure(overChannel, markAfterYield, yielding, degree)
		numbersTrivial := measure(overNumbers, markAtOnce, trivial, degree)
		numbersYielding := measure(overNumbers, markAfterYield, yielding, degree)
		if r == 0 {
			continue
		}
		trivialCost.Report("trivial", "allocations_trivial")
		yieldingCost.Report("yielding", "allocations_yielding")
		numbersTrivial.Report("numbers_trivial", "allocations_n_trivial")
		numbersYielding.Report("numbers_yielding", "allocations_n_yield")
	}
}
