// Package harness is what every Go benchmark program shares: arguments, memory, one line a measurement.
// SPDX-License-Identifier: MIT
package harness

import (
	"fmt"
	"os"
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
