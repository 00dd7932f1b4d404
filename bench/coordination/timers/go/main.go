// What do a million different times cost, and a timer that never fires? Go: time.Sleep and time.AfterFunc.
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"
	"sync"
	"time"

	harness "weft/bench/support/go"
)

// The time of timer i, as in times.hpp.
func timeBelow(limit time.Duration, i uint64) time.Duration {
	x := (i + 1) * 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return time.Duration((x ^ (x >> 31)) % uint64(limit))
}

func sleepAll(late []int64, limit time.Duration) float64 {
	cpu := harness.CPUSeconds()
	var done sync.WaitGroup
	done.Add(len(late))
	for i := range late {
		duration, result := timeBelow(limit, uint64(i)), &late[i]
		go func() {
			deadline := time.Now().Add(duration)
			time.Sleep(duration)
			*result = int64(time.Since(deadline))
			done.Done()
		}()
	}
	done.Wait()
	return harness.CPUSeconds() - cpu
}

func never() { panic("a timer fired") }

func arm(i uint64) *time.Timer { return time.AfterFunc(time.Hour+timeBelow(time.Hour, i), never) }

func armAndCancel(count uint64) harness.Cost {
	watch := harness.Start()
	for i := uint64(0); i < count; i++ {
		arm(i).Stop()
	}
	return watch.Each(count)
}

func armAndCancelMany(count uint64) harness.Cost {
	armed := make([]*time.Timer, 0, count)
	watch := harness.Start()
	for i := uint64(0); i < count; i++ {
		armed = append(armed, arm(i))
	}
	for _, one := range armed {
		one.Stop()
	}
	return watch.Each(count)
}

func main() {
	timers := harness.Number("timers", 1_000_000)
	limit := time.Duration(harness.Number("milliseconds", 1000)) * time.Millisecond
	cancelled := harness.Number("cancelled", 1_000_000)
	standing := harness.Number("standing", 100_000)
	repetitions := harness.Number("repetitions", 3)
	runtime.GOMAXPROCS(int(harness.Number("workers", 2)))
	for r := uint64(0); r <= repetitions; r++ {
		late := make([]int64, timers)
		for i := range late {
			late[i] = 1
		}
		cpu := sleepAll(late, limit)
		alone := armAndCancel(cancelled)
		many := armAndCancelMany(standing)
		if r == 0 {
			continue
		}
		harness.Report("cpu", "s", cpu)
		harness.ReportLateness(late)
		alone.Report("arm_and_cancel", "allocations")
		many.Report("arm_and_cancel_many", "allocations_many")
	}
}
