"""Counts the instructions of what the program `instructions` does, under valgrind, and compares them with a baseline.

    instructions.py check    fails when something takes more than 3 % more than the baseline says
    instructions.py write    makes what is counted now the baseline
    instructions.py show     prints what is counted now, also what varies

The program is built as a user's is, without what the workspace's own release profile does beyond that, and without the
peers; but each crate in one unit, since how code is spread over units, and what is inlined with it, changes with any edit. How many tasks a worker takes along depends on how long they take, so a count may vary a little: one that is too
high is taken again, up to three times in all, and the least counts; a baseline is the least of three, too.

Held are those counts that are the same from run to run. What depends on how two threads meet (`..-queued..`,
`thread-submit`), or on how long things took (`tokio-stream`, `metrics`, `stats`), is for reading alone:
`instructions.py show` prints them all.

A baseline is good for one compiler and one kind of processor; there is a file for each in `benches/instructions`.
Status 77: there is no valgrind, or no baseline for this compiler, and so nothing was checked.
"""

import json
import os
import pathlib
import platform
import re
import subprocess
import sys

FOLDER = pathlib.Path("benches/instructions")
COUNTS = (2000, 6000)
TRIES = 3
LIMIT = 1.03
VARYING = {"floor-queued", "metrics", "stats", "thread-queued", "thread-submit", "tokio-stream"} | {
    f"thread-queued-{kind}" for kind in ("once", "timeout", "priorities", "batch", "detached")
}
SKIPPED = 77


def main():
    """Runs the one subcommand named."""
    verbs = {"check": check, "write": write, "show": show}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        sys.exit(f"usage: instructions.py {'|'.join(verbs)}")
    try:
        subprocess.run(["valgrind", "--version"], check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        print("no valgrind here")
        sys.exit(SKIPPED)
    sys.exit(verbs[sys.argv[1]](FOLDER / f"{toolchain()}.txt"))


def check(file):
    """Prints each count beside its baseline; 1 when one is worse by more than the limit, or has none."""
    if not file.exists():
        print(f"no baseline for this compiler: {file} is not there (`python3 .ci/instructions.py write` makes it)")
        return SKIPPED
    baseline = dict(line.split() for line in file.read_text(encoding="utf-8").splitlines())
    program, worse, seen = build(), 0, []
    for name in held(program):
        seen.append(name)
        if name not in baseline:
            print(f"{name:<24} has no baseline")
            worse += 1
            continue
        limit = LIMIT * float(baseline[name])
        count = measure(program, name, limit)
        change = count / float(baseline[name])
        verdict = "MORE" if change > LIMIT else "less: write the baseline again" if change < 2 - LIMIT else ""
        print(f"{name:<24} {count:>9.1f}  {100 * (change - 1):+.2f} % {verdict}".rstrip())
        worse += change > LIMIT
    if gone := sorted(baseline.keys() - set(seen)):
        print(f"in the baseline alone: {', '.join(gone)}")
    return 1 if worse or gone else 0


def write(file):
    """Writes the baseline."""
    file.parent.mkdir(exist_ok=True)
    program = build()
    counts = {name: measure(program, name) for name in held(program)}
    file.write_text("".join(f"{name} {count:.1f}\n" for name, count in counts.items()), encoding="utf-8")
    print(file.read_text(encoding="utf-8"), end="")
    return 0


def show(_):
    """Prints all counts."""
    program = build()
    for name in names_of(program):
        print(f"{name:<24} {measure(program, name):>9.1f}", flush=True)
    return 0


def held(program):
    """What takes as many instructions in each run."""
    return [name for name in names_of(program) if name not in VARYING]


def names_of(program):
    """What the program can do."""
    return subprocess.run([program, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def measure(program, name, enough=0):
    """Instructions of one thing, done once: the first count that is no more than `enough`, or else the least."""
    few, many = COUNTS
    least = float("inf")
    for _ in range(TRIES):
        least = min(least, (count(program, name, many) - count(program, name, few)) / (many - few))
        if least <= enough:
            break
    return least


def count(program, name, times):
    """Instructions of the whole process that does it so many times."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, name, str(times)]
    said = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
    return int(re.search(r"Collected : (\d+)", said).group(1))


def build():
    """Builds the program and says where it is."""
    command = ["cargo", "build", "--locked", "--release", "-p", "benches", "--bin", "instructions"]
    command += ["--no-default-features", "--message-format", "json-render-diagnostics"]
    usual = {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "1"}
    environment = {**os.environ, **usual}
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    messages = map(json.loads, said.splitlines())
    return next(message["executable"] for message in messages if message.get("executable"))


def toolchain():
    """The compiler's version, and the kind of machine and of processor, as a file may be called."""
    said = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout
    facts = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    return f"{facts['release']}-{facts['host']}-{processor()}"


def processor():
    """Maker, family and model: libraries choose by them, and so counts differ a little."""
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.machine()
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    facts = dict(re.split(r"\s*:\s*", line, maxsplit=1) for line in reversed(lines) if ":" in line)
    return "-".join(facts.get(fact, "unknown") for fact in ("vendor_id", "cpu family", "model"))


main()
