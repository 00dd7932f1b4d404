#!/usr/bin/env python3
"""Runs the programs of bench/io/uring_features, with a feature and without it in turn, and prints what it costs: the median of
the pairs' ratios (with / without) of processor time an operation, and their quartiles. Below 1 the feature is cheaper.

  bench/io/uring_features/run.py BUILD [--pairs 31] [--filter echo/]

SPDX-License-Identifier: MIT
"""

import argparse
import os
import re
import statistics
import subprocess
from pathlib import Path

# Name, program, what it is compared with, arguments of both.
ECHO = ["operations=30000"]
QUESTIONS = [
    *((feature, "echo", "plain", ["connections=64", cores, *ECHO])
      for cores in ("cores=1", "cores=2") for feature in ("fixed", "ring_fd", "multishot", "poll_first", "linked", "set")),
    *((feature, "accept", "single", [burst, cores, "operations=4000"])
      for cores in ("cores=1", "cores=2") for burst in ("burst=1", "burst=16") for feature in ("multishot", "poll_first", "hint", "try")),
    *((feature, "wake", "eventfd", [cores, "operations=6000"])
      for cores in ("cores=1", "cores=2") for feature in ("message", "send_message")),
    ("zero_copy", "send", "send", ["size=16384", "operations=2000"]),
    ("zero_copy", "send", "send", ["size=65536", "operations=1000"]),
    ("zero_copy", "send", "send", ["size=262144", "operations=500"]),
]


def nanoseconds(program, feature, arguments):
    text = subprocess.run([program, f"feature={feature}", *arguments], check=True, capture_output=True, text=True, timeout=120)
    return float(re.search(r"measure processor_time ns (\S+)", text.stdout).group(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--pairs", type=int, default=31)
    parser.add_argument("--filter", default="")
    options = parser.parse_args()
    folder = Path(options.build) / "bench" / "io" / "uring_features"
    for feature, program, without, arguments in QUESTIONS:
        name = " ".join([f"{program}/{feature}", *(a for a in arguments if not a.startswith("operations"))])
        if options.filter not in name:
            continue
        path = str(folder / f"uring_features_{program}")
        times = {feature: [], without: []}
        for pair in range(options.pairs):
            for each in (feature, without) if pair % 2 == 0 else (without, feature):
                times[each].append(nanoseconds(path, each, arguments))
        ratios = [a / b for a, b in zip(times[feature], times[without])]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"{name:44} x{middle:.3f}  quartiles x{low:.3f} to x{high:.3f}  "
              f"{statistics.median(times[feature]):.0f} ns against {statistics.median(times[without]):.0f} ns  "
              f"best {min(times[feature]):.0f} against {min(times[without]):.0f}", flush=True)
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
