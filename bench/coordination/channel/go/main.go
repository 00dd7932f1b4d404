// What does it cost to pass an item from task to task? Go: a channel.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"
	"sync"

	harness "weft/bench/support/go"
)

func pass(items, producers, consumers, capacity uint64) {
	if capacity == 0 {
		capacity = 1 << 20
	}
	through := make(chan uint64, capacity)
	each := items / producers
	var writing, reading sync.WaitGroup
	sums := make([]uint64, consumers)
	for i := uint64(0); i < consumers; i++ {
		reading.Add(1)
		go func(i uint64) {
			defer reading.Done()
			var sum uint64
			for item := range through {
				sum += item
			}
			sums[i] = sum
		}(i)
	}
	for i := uint64(0); i < producers; i++ {
		writing.Add(1)
		go func() {
			defer writing.Done()
			for item := uint64(0); item < each; item++ {
				through <- item
			}
		}()
	}
	writing.Wait()
	close(through)
	reading.Wait()
	var sum uint64
	for _, one := range sums {
		sum += one
	}
	if sum != producers*(each*(each-1)/2) {
		panic("an item was lost")
	}
}

func main() {
	items := harness.Number("items", 2_000_000)
	producers := harness.Number("producers", 1)
	consumers := harness.Number("consumers", 1)
	capacity := harness.Number("capacity", 1)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 2)))
	for r := uint64(0); r <= repetitions; r++ {
		watch := harness.Start()
		pass(items, producers, consumers, capacity)
		if r > 0 {
			watch.Each(items/producers*producers).Report("item", "allocations")
		}
	}
}
