// What does a tree of a million tasks cost? Go: goroutines that send to their parent's channel.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"

	harness "weft/bench/support/go"
)

func node(parent chan<- uint64, first, leaves uint64) {
	if leaves == 1 {
		parent <- first
		return
	}
	children := make(chan uint64, 10)
	for i := uint64(0); i < 10; i++ {
		go node(children, first+i*(leaves/10), leaves/10)
	}
	sum := uint64(0)
	for i := 0; i < 10; i++ {
		sum += <-children
	}
	parent <- sum
}

func main() {
	leaves := harness.Number("leaves", 1_000_000)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 1)))
	for r := uint64(0); r <= repetitions; r++ {
		watch := harness.Start()
		root := make(chan uint64, 1)
		go node(root, 0, leaves)
		sum := <-root
		tasks := (leaves*10 - 1) / 9
		each := watch.Each(tasks)
		if sum != leaves*(leaves-1)/2 {
			panic("a leaf is missing")
		}
		if r > 0 {
			harness.Report("skynet", "ms", each.Nanoseconds*float64(tasks)/1e6)
			each.ReportAllocations("allocations")
		}
	}
}
