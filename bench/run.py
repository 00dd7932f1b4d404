#!/usr/bin/env python3
"""Builds and runs the benchmarks beside their rivals, interleaved, and prints ratios with their spread.

A question is a folder bench/<room>/<question>/ with parameters.hpp, README.md and one program a subject:
weft.cpp, asio.cpp, go/main.go, tokio/main.rs, and for I/O weft_single.cpp (one datagram a call), asio_uring.cpp (Asio's other back end) and raw_epoll.cpp,
raw_uring.cpp, raw_pread.cpp (the limits: bare loops). parameters.hpp is the one place for numbers: every constant in it is
passed to every subject as name=value; `x_quick` replaces `x` under --quick; an array is an axis (one row group for each
value); with `both_drivers` weft's program runs once more on epoll, as the subject
weft_epoll; `rounds` says how often each subject runs; `load` names a mode of the load generator and makes the question one
about servers (server and generator on different cores); `allocations` makes each subject run once more, with a counter in
front of the C library's allocator (support/allocations.cpp) and `allocations=1` among its arguments: of that run only the
metrics named `allocations…` are kept, so counting is in no measured time. Subjects print `measure <metric> <unit> <value>`
lines; servers print `ready <port>`.

SPDX-License-Identifier: MIT
"""

import argparse
import itertools
import json
import os
import re
import resource
import select
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
CPP = ("weft", "weft_single", "asio", "asio_uring", "raw_epoll", "raw_uring", "raw_pread")
SUBJECTS = ("weft", "weft_epoll", *CPP[1:], "go", "tokio")
PROGRAM = {**{s: f"{s}.cpp" for s in CPP}, "go": "go/main.go", "tokio": "tokio/main.rs"}
CRATES = Path("/usr/share/cargo/registry")
TICKS = os.sysconf("SC_CLK_TCK")
RATE_UNITS = ("1/s",)  # larger is better; for all others smaller is
PRIMARY = {"asio": "Boost 1.81 or newer (libboost1.81-dev)", "go": "Go (golang-go)",
           "tokio": "rustc, cargo, librust-tokio-dev and librust-hyper-dev"}


class Failure(Exception):
    """Something the user must know; printed as one sentence."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


# ---- questions ------------------------------------------------------------------------------------------------------


class Question:
    """One folder: its constants and the subjects that answer it."""

    def __init__(self, folder):
        self.folder = folder
        self.name = f"{folder.parent.name}/{folder.name}"
        self.slug = self.name.replace("/", "_")
        self.constants = read_constants(folder / "parameters.hpp")
        self.subjects = [s for s in SUBJECTS if s in PROGRAM and (folder / PROGRAM[s]).exists()]
        if "both_drivers" in self.constants:
            self.subjects.insert(1, "weft_epoll")

    def cases(self, quick):
        """Every combination of the axes, as (row name, values)."""
        values = {k: v for k, v in self.constants.items() if not k.endswith("_quick")}
        if quick:
            values.update({k[: -len("_quick")]: v for k, v in self.constants.items() if k.endswith("_quick")})
        axes = [k for k, v in values.items() if isinstance(v, list)]
        for point in itertools.product(*(values[a] for a in axes)):
            chosen = dict(zip(axes, point))
            name = "/".join([self.name] + [f"{k}={v}" for k, v in chosen.items()])
            yield name, {**values, **chosen}


def read_constants(path):
    """The constants of a parameters.hpp: integers, strings, and arrays of integers."""
    constants = {}
    pattern = r"^inline constexpr [\w:]+ (\w+)(\[\])? = (\{[^}]*\}|\"[^\"]*\"|[\d']+);"
    for name, array, text in re.findall(pattern, path.read_text(), re.MULTILINE):
        if array:
            constants[name] = [int(n.replace("'", "")) for n in text.strip("{}").split(",")]
        elif text.startswith('"'):
            constants[name] = text.strip('"')
        else:
            constants[name] = int(text.replace("'", ""))
    return constants


def discover():
    return [Question(p.parent) for p in sorted(BENCH.glob("*/*/parameters.hpp"))]


# ---- building -------------------------------------------------------------------------------------------------------


class Builder:
    """Builds what the chosen questions need, each subject with its own tools, into the build folder."""

    def __init__(self, folder, jobs):
        self.folder = folder
        self.jobs = str(jobs)
        self.programs = {}  # (slug, subject) -> command

    def run(self, command, what, **options):
        say(what)
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        if result.returncode != 0:
            sys.stderr.write(result.stdout)
            raise Failure(f"{what} failed: '{' '.join(map(str, command))}' ended with {result.returncode}")

    def build(self, questions, subjects):
        wanted = {s: [q for q in questions if s in q.subjects] for s in subjects}
        cpp = [(q, s) for s in CPP for q in wanted.get(s, [])]
        if cpp:
            self.cpp(cpp)
        for question in wanted.get("weft_epoll", []):
            self.programs[question.slug, "weft_epoll"] = ["env", "WEFT_IO=epoll", *self.programs[question.slug, "weft"]]
        if wanted.get("go"):
            self.go(wanted["go"])
        if wanted.get("tokio"):
            self.tokio(wanted["tokio"])
        if any("load" in q.constants for q in questions):
            self.program("load", "the load generator", "-luring", *(("-lssl", "-lcrypto") if openssl_found() else ()))
        if any("allocations" in q.constants for q in questions):
            self.program("allocations", "the allocation counter", "-shared", "-fPIC")

    def cpp(self, programs):
        tree = self.folder / "cpp"
        targets = [f"bench_{q.slug}_{s}" for q, s in programs]
        self.run(["cmake", "--preset", "clang19-release", "-B", tree, "-DWEFT_BENCH=ON", "-DWEFT_TESTS=OFF",
                  "-DWEFT_EXAMPLES=OFF"],
                 "configuring the C++ programs", cwd=ROOT)
        self.run(["cmake", "--build", tree, "-j", self.jobs, "--target", *targets], "building the C++ programs")
        for (question, subject), target in zip(programs, targets):
            found = [p for p in tree.rglob(target) if p.is_file() and os.access(p, os.X_OK)]
            if not found:
                raise Failure(f"program '{target}' was built but is not under '{tree}'")
            self.programs[question.slug, subject] = [str(found[0])]

    def program(self, name, what, *options):
        """Builds support/<name>.cpp, which belongs to no question."""
        source, output = BENCH / f"support/{name}.cpp", self.folder / name
        used = [source, *(BENCH / "support").glob("*.hpp"), *(BENCH / f"support/{name}").glob("*.hpp")]
        newest = max(path.stat().st_mtime for path in used)
        if not output.exists() or output.stat().st_mtime < newest:
            self.run(["clang++-19", "-std=c++20", "-O2", "-I", BENCH, source, "-o", output, *options], f"building {what}")
        self.programs[name] = [str(output)]

    def go(self, questions):
        output = self.folder / "go"
        output.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GOCACHE": str(self.folder / "go-cache"), "GOFLAGS": "-mod=mod",
                       "GOTOOLCHAIN": "local", "GOPATH": str(self.folder / "go-path")}
        say("building the Go programs")
        for question in questions:
            program = output / question.slug
            command = [tool("go"), "build", "-p", self.jobs, "-o", program, f"./{question.name}/go"]
            result = subprocess.run(command, cwd=BENCH, env=environment, capture_output=True, text=True)
            if result.returncode != 0:
                raise Failure(f"building '{question.name}/go' failed:\n{result.stderr}")
            self.programs[question.slug, "go"] = [str(program)]

    def tokio(self, questions):
        # The manifest is generated: one package for all questions, its dependencies taken from the distribution.
        tree = self.folder / "tokio"
        (tree / "home").mkdir(parents=True, exist_ok=True)
        bins = "".join(f'\n[[bin]]\nname = "{q.slug}"\npath = "{q.folder}/tokio/main.rs"\n' for q in discover()
                       if "tokio" in q.subjects)
        write_if_changed(tree / "Cargo.toml", MANIFEST.format(library=BENCH / "support/tokio/lib.rs", bins=bins))
        write_if_changed(tree / "home/config.toml", SOURCES.format(crates=CRATES))
        environment = {**os.environ, "CARGO_HOME": str(tree / "home"), "RUSTC": tool("rustc"),
                       "CARGO_TARGET_DIR": str(tree / "target")}
        environment.pop("RUSTUP_TOOLCHAIN", None)
        command = [tool("cargo"), "build", "--offline", "--release", "-j", self.jobs]
        command += [a for q in questions for a in ("--bin", q.slug)]
        self.run(command, "building the tokio programs", cwd=tree, env=environment)
        for question in questions:
            self.programs[question.slug, "tokio"] = [str(tree / "target/release" / question.slug)]


MANIFEST = """\
[package]
name = "harness"
version = "0.0.0"
edition = "2021"
autobins = false

[lib]
name = "harness"
path = "{library}"

[dependencies]
hyper = {{ version = "0.14", features = ["server", "http1", "tcp", "runtime"] }}
libc = "0.2"
tokio = {{ version = "1", features = ["rt", "rt-multi-thread", "macros", "net", "time", "io-util", "sync"] }}
tokio-util = "0.7"

[profile.release]
opt-level = 3
lto = "thin"
codegen-units = 1
panic = "abort"
{bins}"""

SOURCES = """\
[source.crates-io]
replace-with = "distribution"
[source.distribution]
directory = "{crates}"
"""


def write_if_changed(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def tool(name):
    """The distribution's tool if there is one, whatever else the search path holds first."""
    packaged = Path("/usr/bin") / name
    return str(packaged) if packaged.exists() else shutil.which(name)


def boost_found():
    for folder in ("/usr/include", "/usr/local/include"):
        header = Path(folder) / "boost/version.hpp"
        if header.exists():
            match = re.search(r"#define BOOST_VERSION (\d+)", header.read_text())
            return bool(match) and int(match.group(1)) >= 108100
    return False


def openssl_found():
    return any((Path(folder) / "openssl/ssl.h").exists() for folder in ("/usr/include", "/usr/local/include"))


def missing(subjects):
    """The chosen peers that cannot be built here."""
    present = {
        "asio": boost_found,
        "go": lambda: tool("go") is not None,
        "tokio": lambda: bool(tool("cargo") and tool("rustc") and list(CRATES.glob("tokio-1.*"))
                              and list(CRATES.glob("hyper-0.*"))),
    }
    return [s for s in subjects if s in present and not present[s]()]


# ---- running --------------------------------------------------------------------------------------------------------


def cores():
    """Where servers and where the generator run."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def parse(text):
    samples = []
    for line in text.splitlines():
        if line.startswith("measure "):
            _, metric, unit, value = line.split()
            samples.append((metric, unit, float(value)))
    return samples


def finished(command, arguments, timeout, core=None, environment=None):
    """Runs a program to its end; returns what it printed."""
    pin = (lambda: os.sched_setaffinity(0, {core})) if core is not None else None
    try:
        result = subprocess.run(command + arguments, capture_output=True, text=True, timeout=timeout, preexec_fn=pin,
                                env=environment)
    except subprocess.TimeoutExpired:
        raise Failure(f"'{command[0]}' did not end within {timeout} s") from None
    if result.returncode != 0:
        raise Failure(f"'{' '.join(command + arguments)}' ended with {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def arguments_of(values):
    return [f"{k}={v}" for k, v in values.items() if k not in ("rounds", "load", "allocations", "both_drivers")]


def run_program(command, values):
    samples = parse(finished(command, arguments_of(values), timeout=300))
    if not samples:
        raise Failure(f"'{command[0]}' measured nothing")
    return samples


def count_allocations(command, values, counter):
    arguments = arguments_of({**values, "repetitions": 1}) + ["allocations=1"]
    environment = {**os.environ, "LD_PRELOAD": counter}
    return [s for s in parse(finished(command, arguments, timeout=300, environment=environment))
            if s[0].startswith("allocations")]


def await_ready(server, limit=10):
    """The port a server announces."""
    readable, _, _ = select.select([server.stdout], [], [], limit)
    line = server.stdout.readline() if readable else ""
    if not line.startswith("ready "):
        raise Failure(f"server '{server.args[0]}' did not announce its port within {limit} s: '{line.strip()}'")
    return line.split()[1]


def cpu_of(pid):
    """User and system seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def resident(process, field):
    """Bytes of a process in memory, now (VmRSS) or at most (VmHWM)."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE).group(1)) * 1024


class MemoryWatch(threading.Thread):
    """The most memory a process has had that belongs to no file: its heap, above all."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.first, self.most, self.over = pid, resident(pid, "RssAnon"), 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.05):
            self.most = max(self.most, resident(self.pid, "RssAnon"))

    def growth(self):
        self.over.set()
        self.join()
        return max(0, self.most - self.first)


def run_server(command, values, generator):
    server_core, load_core = cores()
    server_cores = {server_core} if values.get("threads", 1) == 1 else os.sched_getaffinity(0)

    def prepare():
        os.sched_setaffinity(0, server_cores)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    server = subprocess.Popen(command + arguments_of(values), stdout=subprocess.PIPE, text=True, preexec_fn=prepare)
    try:
        port = await_ready(server)
        user, system = cpu_of(server.pid)
        memory = resident(server.pid, "VmRSS")
        watch = MemoryWatch(server.pid) if values["load"] == "idle" else None
        arguments = [values["load"], f"port={port}"] + arguments_of(values)
        text = finished(generator, arguments, timeout=120 + values["milliseconds"] / 1000, core=load_core)
        if server.poll() is not None:
            raise Failure(f"server '{command[0]}' ended by itself with {server.returncode}")
        user, system = (after - before for before, after in zip((user, system), cpu_of(server.pid)))
        memory = resident(server.pid, "VmHWM") - memory
        heap = watch.growth() if watch else None
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        server.stdout.close()
    answered = int(re.search(r"^answered (\d+)$", text, re.MULTILINE).group(1))
    samples = parse(text)
    samples.append(("server_user", "ns", user * 1e9 / answered))
    samples.append(("server_cpu", "ns", (user + system) * 1e9 / answered))
    if values.get("connections", 0) >= 1000:
        samples.append(("server_memory", "B", memory / values["connections"]))
    if heap is not None:
        samples.append(("server_heap", "B", heap / values["connections"]))
    return samples


class Load:
    """How much of the machine others used meanwhile."""

    def __init__(self):
        self.at, self.busy, self.own = time.monotonic(), self._busy(), self._own()

    @staticmethod
    def _busy():
        fields = [int(f) for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
        return (sum(fields[:3]) + sum(fields[5:8])) / TICKS

    @staticmethod
    def _own():
        return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))

    def others(self):
        elapsed = max(time.monotonic() - self.at, 1e-3)
        return max(0.0, (self._busy() - self.busy - (self._own() - self.own)) / elapsed)


def run_case(question, values, builder, subjects, rounds):
    """Samples as {subject: {metric: (unit, [samples of round 1, samples of round 2, …])}}."""
    results = {s: {} for s in subjects}
    for round_number in range(rounds):
        for subject in subjects:
            command = builder.programs[question.slug, subject]
            if "load" in values:
                samples = run_server(command, values, builder.programs["load"])
            else:
                samples = run_program(command, values)
            for metric, unit, value in samples:
                _, by_round = results[subject].setdefault(metric, (unit, [[] for _ in range(rounds)]))
                by_round[round_number].append(value)
    if "allocations" in values:
        for subject in subjects:
            command = builder.programs[question.slug, subject]
            for metric, unit, value in count_allocations(command, values, *builder.programs["allocations"]):
                results[subject][metric] = (unit, [[value]])
    return results


# ---- reporting ------------------------------------------------------------------------------------------------------


def rows_of(name, results):
    for subject, metrics in results.items():
        for metric, (unit, by_round) in metrics.items():
            samples = [v for one in by_round for v in one]
            yield {"name": name, "subject": subject, "metric": metric, "unit": unit,
                   "median": statistics.median(samples), "min": min(samples), "max": max(samples), "runs": len(samples)}


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def ratio(ours, theirs):
    """The median of the ratios weft/peer of each round, with their range: pairs were taken side by side."""
    pairs = [statistics.median(a) / statistics.median(b) for a, b in zip(ours, theirs) if a and b and statistics.median(b)]
    if not pairs:
        return ""
    return f"{statistics.median(pairs):6.2f}  [{min(pairs):.2f} … {max(pairs):.2f}]"


def print_table(name, results):
    print(f"\n{name}")
    print(f"  {'metric':<22}{'subject':<11}{'median':>12}{'min':>12}{'max':>12} {'unit':<5}{'weft/peer':>10}")
    metrics = list(dict.fromkeys(m for by_metric in results.values() for m in by_metric))
    for metric in metrics:
        ours = results.get("weft", {}).get(metric)
        for subject in results:
            if metric not in results[subject]:
                continue
            unit, by_round = results[subject][metric]
            samples = [v for one in by_round for v in one]
            beside = ratio(ours[1], by_round) if ours and subject != "weft" else ""
            better = ("more is better" if unit in RATE_UNITS else "") if subject == next(iter(results)) else ""
            print(f"  {metric:<22}{subject:<11}{number(statistics.median(samples)):>12}{number(min(samples)):>12}"
                  f"{number(max(samples)):>12} {unit:<5}    {beside or better}")
    sys.stdout.flush()


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Runs Weft's benchmarks beside its rivals'.")
    parser.add_argument("--filter", default="", metavar="REGEX", help="only the rows whose name matches")
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs: a look, not a measurement")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of A B C …; default 5, or 2 with --quick")
    parser.add_argument("--without", action="append", default=[], metavar="NAME", choices=SUBJECTS,
                        help="leave a subject out (repeatable)")
    parser.add_argument("--build-dir", default=str(ROOT / "build/bench"), metavar="D", help="where to build")
    parser.add_argument("--jobs", "-j", type=int, default=os.cpu_count() or 1, help="parallel compilations")
    parser.add_argument("--list", action="store_true", help="print the names of the rows and stop")
    return parser.parse_args()


def main():
    options = arguments()
    try:
        pattern = re.compile(options.filter)
    except re.error as error:
        raise Failure(f"--filter '{options.filter}' is not a regular expression: {error}") from None
    cases = [(q, name, values) for q in discover() for name, values in q.cases(options.quick) if pattern.search(name)]
    if not cases:
        raise Failure(f"--filter '{options.filter}' matches none of the benchmarks (--list names them)")
    if options.list:
        print("\n".join(name for _, name, _ in cases))
        return
    questions = list(dict.fromkeys(q for q, _, _ in cases))
    subjects = [s for s in SUBJECTS if s not in options.without and any(s in q.subjects for q in questions)]
    if absent := missing(subjects):
        raise Failure("; ".join(f"peer '{s}' is missing: install {PRIMARY[s]} or pass --without {s}" for s in absent))
    if any(values.get("load") == "tls" for _, _, values in cases) and not openssl_found():
        raise Failure("the questions about TLS need OpenSSL: install libssl-dev, or leave them out with --filter")
    builder = Builder(Path(options.build_dir).resolve(), options.jobs)
    builder.folder.mkdir(parents=True, exist_ok=True)
    builder.build(questions, subjects)

    rows = []
    for done, (question, name, values) in enumerate(cases, 1):
        chosen = [s for s in question.subjects if s in subjects]
        rounds = options.rounds or values.get("rounds", 2 if options.quick else 5)
        say(f"[{done}/{len(cases)}] {name}: {rounds} rounds of {', '.join(chosen)}")
        load = Load()
        results = run_case(question, values, builder, chosen, rounds)
        print_table(name, results)
        if (others := load.others()) > 0.1:
            print(f"  (other programs used {others:.1f} cores meanwhile: read the ratios with care)")
        rows += rows_of(name, results)
        if options.json:
            Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        say(str(failure))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
