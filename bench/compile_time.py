#!/usr/bin/env python3
"""What does a translation unit pay for <weft/task.hpp>?

Compiles, interleaved, one that includes <coroutine> and <exception> and is otherwise empty, and one that includes
<weft/task.hpp> and defines one coroutine: without optimisation, as one does between two tests. Prints the processor time of
each (the median, and the range of the runs) and the difference, and fails when GCC's is over the limit: users have hundreds
of such units, and a header that another one drags in by accident shows here first. Processor time rather than the clock's,
because other programs on the machine cost less of it.

SPDX-License-Identifier: MIT
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

INCLUDE = Path(__file__).resolve().parent.parent / "include"
COMPILERS = {"gcc 12": "g++-12", "clang 19": "clang++-19"}
LIMITED, LIMIT = "gcc 12", 0.6  # seconds
UNITS = {
    "empty": "#include <coroutine>\n#include <exception>\n",
    "coroutine": "#include <weft/task.hpp>\n\nweft::task<int> answer() { co_return 42; }\n",
}


def seconds_of(command):
    """User and system time of one compilation, with the processes it starts."""
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"compile_time: '{' '.join(map(str, command))}' ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def measure(runs):
    """Samples as {(compiler, unit): [seconds]}."""
    samples = {(c, u): [] for c in COMPILERS for u in UNITS}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in UNITS.items():
            Path(folder, f"{name}.cpp").write_text(text)
        for run in range(runs + 1):
            for compiler, unit in samples:
                seconds = seconds_of([COMPILERS[compiler], "-std=c++20", "-O0", "-I", INCLUDE, "-c",
                                      f"{folder}/{unit}.cpp", "-o", f"{folder}/{unit}.o"])
                if run > 0:  # the first one reads the headers into the cache
                    samples[compiler, unit].append(seconds)
    return samples


def rows_of(samples):
    for compiler in COMPILERS:
        by_unit = {u: samples[compiler, u] for u in UNITS}
        by_unit["difference"] = [b - a for a, b in zip(by_unit["empty"], by_unit["coroutine"])]
        for metric, values in by_unit.items():
            yield {"name": "compile_time", "subject": compiler, "metric": metric, "unit": "s",
                   "median": statistics.median(values), "min": min(values), "max": max(values), "runs": len(values)}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench compile_time", description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    parser.add_argument("--runs", type=int, default=11, help="compilations of each unit by each compiler; default 11")
    options = parser.parse_args()
    if missing := [c for c in COMPILERS.values() if shutil.which(c) is None]:
        sys.exit(f"compile_time: not found: {', '.join(missing)}")

    rows = list(rows_of(measure(options.runs)))
    print(f"compile_time ({options.runs} runs, -O0)")
    for row in rows:
        print(f"  {row['subject']:<10}{row['metric']:<12}{row['median']:8.3f} s  [{row['min']:.3f} … {row['max']:.3f}]")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    cost = next(r["median"] for r in rows if (r["subject"], r["metric"]) == (LIMITED, "difference"))
    if cost > LIMIT:
        sys.exit(f"compile_time: with {LIMITED} <weft/task.hpp> costs {cost:.2f} s, more than {LIMIT} s")


if __name__ == "__main__":
    main()
