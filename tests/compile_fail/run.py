#!/usr/bin/env python3
"""Compiles programs that must be refused, and checks the sentence their author reads.

    run.py --compiler CXX --include DIR FILES

A file says what it expects in its first lines: `// expect: text` (each must appear in the compiler's messages) and, if
need be, `// only: clang` or `// only: gcc`, and `// flags: ...`. A line `// accepts` marks a file that must compile: the
neighbour that shows the refusal is not for another reason.
SPDX-License-Identifier: MIT
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path


def check(compiler, include, path):
    head = path.read_text().splitlines()[:20]
    wanted = [match[1].strip() for line in head if (match := re.match(r"// expect: (.+)", line))]
    only = next((match[1] for line in head if (match := re.match(r"// only: (\w+)", line))), None)
    flags = next((match[1].split() for line in head if (match := re.match(r"// flags: (.+)", line))), [])
    accepts = any(line.strip() == "// accepts" for line in head)
    if only and only != ("clang" if "clang" in compiler else "gcc"):
        return (path, True, "left out")
    if not wanted and not accepts:
        return (path, False, "says neither '// expect: ...' nor '// accepts'")
    result = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-Werror=unused-result", f"-I{include}", *flags, str(path)],
                            capture_output=True, text=True)
    if accepts:
        return (path, result.returncode == 0, result.stderr[:1500] or "compiles, as it must")
    if result.returncode == 0:
        return (path, False, "was accepted")
    if re.search(r"fatal error: .*file not found|fatal error: .*No such file", result.stderr):
        return (path, False, result.stderr[:500])
    flat = re.sub(r"\s+", " ", result.stderr)
    missing = [text for text in wanted if text not in flat]
    if missing:
        return (path, False, f"was refused without saying '{missing[0]}':\n{result.stderr[:1500]}")
    return (path, True, "refused with its sentence")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--include", required=True)
    parser.add_argument("files", nargs="+", type=Path)
    arguments = parser.parse_args()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda path: check(arguments.compiler, arguments.include, path), arguments.files))
    for path, good, why in results:
        print(f"{'ok    ' if good else 'FAILED'} {path.stem}: {why}")
    failed = sum(not good for _, good, _ in results)
    print(f"compile_fail: {len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
