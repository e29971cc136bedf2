"""Counts the instructions of what the program `instructions` does, under valgrind, and compares them with a baseline.

    instructions.py check    fails when something takes more than 3 % more than the baseline says
    instructions.py write    makes what is counted now the baseline

A baseline is good for one compiler and one kind of machine; there is a file for each in `benches/instructions`.
Status 77: there is no valgrind, or no baseline for this compiler, and so nothing was checked.
"""

import json
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path("benches/instructions")
COUNTS = (3000, 9000)
LIMIT = 1.03
SKIPPED = 77


def main():
    """Runs the one subcommand named."""
    verbs = {"check": check, "write": write}
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
    counts = measure()
    worse = 0
    for name, count in counts.items():
        if name not in baseline:
            print(f"{name:<24} {count:>9.1f}  has no baseline")
            worse += 1
            continue
        change = count / float(baseline[name])
        verdict = "MORE" if change > LIMIT else "less: write the baseline again" if change < 2 - LIMIT else ""
        print(f"{name:<24} {count:>9.1f}  {100 * (change - 1):+.2f} % {verdict}".rstrip())
        worse += change > LIMIT
    if gone := sorted(baseline.keys() - counts.keys()):
        print(f"in the baseline alone: {', '.join(gone)}")
    return 1 if worse or gone else 0


def write(file):
    """Writes the baseline."""
    file.parent.mkdir(exist_ok=True)
    counts = measure()
    file.write_text("".join(f"{name} {count:.1f}\n" for name, count in counts.items()), encoding="utf-8")
    print(file.read_text(encoding="utf-8"), end="")
    return 0


def measure():
    """Instructions of each thing, done once."""
    program = build()
    names = subprocess.run([program, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    few, many = COUNTS
    return {name: (count(program, name, many) - count(program, name, few)) / (many - few) for name in names}


def count(program, name, times):
    """Instructions of the whole process that does it so many times."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, name, str(times)]
    said = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
    return int(re.search(r"Collected : (\d+)", said).group(1))


def build():
    """Builds the program and says where it is."""
    command = ["cargo", "build", "--locked", "--release", "-p", "benches", "--bin", "instructions"]
    command += ["--message-format", "json-render-diagnostics"]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = map(json.loads, said.splitlines())
    return next(message["executable"] for message in messages if message.get("executable"))


def toolchain():
    """The compiler's version and the machine's kind, as a file may be called."""
    said = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout
    facts = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    return f"{facts['release']}-{facts['host']}"


main()
