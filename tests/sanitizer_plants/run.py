#!/usr/bin/env python3
"""Runs the programs with a planted bug; each must be reported by the sanitizer it names.

    run.py --build DIR --sanitizer address|thread

A program says in its first lines which sanitizer sees it and what the report must contain:
`// sanitizer: address` and `// report: heap-use-after-free`.
SPDX-License-Identifier: MIT
"""
import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--sanitizer", required=True)
    arguments = parser.parse_args()

    ran, failures = 0, 0
    for source in sorted(HERE.glob("*.cpp")):
        head = source.read_text()
        sanitizer = re.search(r"^// sanitizer: (\w+)", head, re.M)
        report = re.search(r"^// report: (.+)", head, re.M)
        if not sanitizer or not report:
            print(f"FAILED {source.stem}: lacks '// sanitizer: ...' or '// report: ...'")
            failures += 1
            continue
        if sanitizer[1] != arguments.sanitizer:
            continue
        ran += 1
        program = arguments.build / f"plant_{source.stem}"
        if not program.exists():
            print(f"FAILED {source.stem}: '{program}' was not built")
            failures += 1
            continue
        environment = dict(os.environ)
        environment["WEFT_MIN_THREADS"] = "2"  # the race needs two threads at once
        environment["ASAN_OPTIONS"] = "detect_leaks=1:abort_on_error=0"
        try:
            result = subprocess.run([str(program.resolve())], capture_output=True, text=True, errors="replace", timeout=60,
                                    env=environment)
            output, code = result.stdout + result.stderr, result.returncode
        except subprocess.TimeoutExpired:
            output, code = "still running after 60 s", 0
        if code == 0 or report[1].strip() not in output:
            print(f"FAILED {source.stem}: exit code {code}, and no report of '{report[1].strip()}':\n{output[-2000:]}")
            failures += 1
        else:
            first = next(line for line in output.splitlines() if report[1].strip() in line)
            print(f"ok     {source.stem}: {first.strip()}")
    if ran == 0:
        print(f"FAILED no program is planted for '{arguments.sanitizer}'")
        failures += 1
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
