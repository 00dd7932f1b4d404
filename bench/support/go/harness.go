// Package harness is what every Go benchmark program shares: arguments, memory, one line a measurement.
// SPDX-License-Identifier: MIT
package harness

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Number returns the value of the argument name=value, or fallback.
func Number(name string, fallback uint64) uint64 {
	for _, argument := range os.Args[1:] {
		if strings.HasPrefix(argument, name+"=") {
			value, err := strconv.ParseUint(argument[len(name)+1:], 10, 64)
			if err != nil {
				panic(err)
			}
			return value
		}
	}
	return fallback
}

// Report prints one sample; run.py gathers them.
func Report(metric, unit string, value float64) {
	fmt.Printf("measure %s %s %.9g\n", metric, unit, value)
}

// Ready announces the port a server listens on.
func Ready(port int) { fmt.Printf("ready %d\n", port) }

// NanosecondsEach divides the time since start among the operations.
func NanosecondsEach(start time.Time, operations uint64) float64 {
	return float64(time.Since(start).Nanoseconds()) / float64(operations)
}

// Cost is what one operation cost.
type Cost struct {
	Nanoseconds float64
	Allocations float64 // objects on the heap; negative where nobody counts
}

// Stopwatch is the time and the allocations since Start.
type Stopwatch struct {
	allocated uint64
	start     time.Time
}

// Goroutine stacks are not among them. Reading the counter stops every goroutine, so it is read in run.py's counting run only.
func allocations() uint64 {
	if Number("allocations", 0) == 0 {
		return 0
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return now.Mallocs
}

// Start returns a running stopwatch.
func Start() Stopwatch {
	allocated := allocations()
	return Stopwatch{allocated, time.Now()}
}

// Each divides among the operations.
func (s Stopwatch) Each(operations uint64) Cost {
	nanoseconds := NanosecondsEach(s.start, operations)
	if Number("allocations", 0) == 0 {
		return Cost{nanoseconds, -1}
	}
	return Cost{nanoseconds, float64(allocations()-s.allocated) / float64(operations)}
}

// Report prints both.
func (c Cost) Report(metric, allocations string) {
	Report(metric, "ns", c.Nanoseconds)
	c.ReportAllocations(allocations)
}

// ReportAllocations prints the allocations of an operation, where they are counted.
func (c Cost) ReportAllocations(metric string) {
	if c.Allocations >= 0 {
		Report(metric, "1", math.Round(c.Allocations*1000)/1000)
	}
}

// ResidentBytes is the resident memory of this process now.
func ResidentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	if err != nil {
		panic(err)
	}
	return pages * float64(os.Getpagesize())
}

// CPUSeconds is the user and system time this process has used.
func CPUSeconds() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

// ReportLateness reports the distribution of nanoseconds late.
func ReportLateness(late []int64) {
	sort.Slice(late, func(a, b int) bool { return late[a] < late[b] })
	at := func(parts int) float64 { return float64(late[(len(late)-1)*parts/1000]) / 1e6 }
	Report("late_p50", "ms", at(500))
	Report("late_p99", "ms", at(990))
	Report("late_max", "ms", at(1000))
}
