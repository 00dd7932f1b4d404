// What does a million sleeping tasks cost? Go: time.Sleep, or a timer beside a context that can be cancelled.
// SPDX-License-Identifier: MIT
package main

import (
	"context"
	"runtime"
	"sync"
	"time"

	harness "weft/bench/support/go"
)

func main() {
	sleepers := harness.Number("sleepers", 1_000_000)
	duration := time.Duration(harness.Number("milliseconds", 10_000)) * time.Millisecond
	token := harness.Number("token", 0) != 0
	runtime.GOMAXPROCS(int(harness.Number("workers", 2)))

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	late := make([]int64, sleepers)
	for i := range late {
		late[i] = 1
	}
	var done sync.WaitGroup
	done.Add(int(sleepers))
	before, cpu, start := harness.ResidentBytes(), harness.CPUSeconds(), time.Now()
	for i := range late {
		result := &late[i]
		go func() {
			deadline := time.Now().Add(duration)
			if token {
				timer := time.NewTimer(duration)
				select {
				case <-timer.C:
				case <-ctx.Done():
				}
			} else {
				time.Sleep(duration)
			}
			*result = int64(time.Since(deadline))
			done.Done()
		}()
	}
	spawned := harness.NanosecondsEach(start, sleepers)
	time.Sleep(duration / 2) // by now every goroutine has started to sleep
	after := harness.ResidentBytes()
	done.Wait()
	harness.Report("bytes_each", "B", (after-before)/float64(sleepers))
	harness.Report("spawn_each", "ns", spawned)
	harness.Report("cpu", "s", harness.CPUSeconds()-cpu)
	harness.ReportLateness(late)
}
