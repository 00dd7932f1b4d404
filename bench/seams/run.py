#!/usr/bin/env python3
"""Runs the programs of bench/seams in interleaved pairs and prints what the seams cost: the median of the pairs' ratios
(with seams / direct) of processor time, and their quartiles; with --instructions also the ratio of instructions, counted by
valgrind on one worker (not for echo: valgrind knows no io_uring).

  bench/seams/run.py BUILD [--pairs 15] [--instructions]

SPDX-License-Identifier: MIT
"""

import argparse
import re
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

QUESTIONS = {
    "spawn_join": ["tasks=300000", "repetitions=2", "workers=1"],
    "yield": ["yields=3000000", "tasks=100", "repetitions=1", "workers=1"],
    "ping_pong": ["messages=600000", "repetitions=1", "workers=1"],
    "echo": ["exchanges=15000"],
}
# The first argument is counted with 1 and 2 times its number, and the difference taken: what starting costs is left out.
COUNTED = {
    "spawn_join": [("tasks", 20000), "repetitions=3", "workers=1"],
    "yield": [("yields", 200000), "tasks=100", "repetitions=3", "workers=1"],
    "ping_pong": [("messages", 100000), "repetitions=3", "workers=1"],
}


def processor_time(program, arguments):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def instructions(program, arguments):
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={folder}/out", program]
        text = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stderr
    return int(re.search(r"I\s+refs:\s+([\d,]+)", text).group(1).replace(",", ""))


def added_instructions(program, arguments):
    (name, size), *rest = arguments
    once, twice = (instructions(program, [f"{name}={size * factor}", *rest]) for factor in (1, 2))
    return twice - once


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--instructions", action="store_true")
    options = parser.parse_args()
    folder = Path(options.build) / "bench" / "seams"
    for name, arguments in QUESTIONS.items():
        programs = [str(folder / f"seam_{name}_{variant}") for variant in ("seams", "direct")]
        ratios = []
        for pair in range(options.pairs):
            order = programs if pair % 2 == 0 else programs[::-1]
            times = {program: processor_time(program, arguments) for program in order}
            ratios.append(times[programs[0]] / times[programs[1]])
        low, middle, high = statistics.quantiles(ratios, n=4)
        line = f"{name:12} time x{middle:.4f}  quartiles x{low:.4f} to x{high:.4f}  {options.pairs} pairs"
        if options.instructions and name in COUNTED:
            counts = [added_instructions(program, COUNTED[name]) for program in programs]
            line += f"  instructions x{counts[0] / counts[1]:.4f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
