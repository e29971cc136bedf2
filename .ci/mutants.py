"""Tries the mutants that cargo-mutants lists, all of them built into one program and switched on one at a time.

    mutants.py --package P [--file GLOB].. [--exclude GLOB].. --judge NAME='CARGO TEST ARGUMENTS [-- ARGUMENTS]'..

A build for each mutant takes hours. So a copy of the workspace is rewritten: a function's body becomes a `match` on a
number that is read from `MUTANT` in the environment when the program starts, with an arm for each of its mutants, and
the body as it was for all other numbers. Bodies of `const fn`s, too: a static is fine in there as long as nobody asks
while compiling. What the compiler says is wrong is traced to the arm it is in; that mutant does not compile, is taken
out, and the rest built again.

Judges are test programs (libtest's). The first is asked about all mutants, the next about those that it missed, and so
on. To notice is a failing test, an end that is no success, or no end. Time is counted while the program may run, and
idling is looked for besides, so that neither a busy machine nor a stopped process makes a hang of what is none.
Without mutants a judge must pass, which also tells how long it takes; eight times that is no end. It is asked only about
mutants of packages that are linked into it.

Results go to WORK/results.jsonl, the last line of an id counts: id, file, function, line, column, description,
outcome, judge and test that noticed, judges that `passed` it. The outcomes: `caught`, `timeout`, `missed`, `unviable`
(does not compile), `unsure` (noticed late, by a test that fails without mutants now, too) and `untried` (a constant,
or a function that is asked while compiling or returns an `impl` of its own; `--alone` builds these one by one). What
stands there is not tried again, unless its function has changed since or `--again OUTCOME` asks for it.

The last lines have the figures, and all that were missed. Status 1: more than `--missed PERCENT` of those that
compile.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess
import sys
import threading
import time

SWITCH = """
#[doc(hidden)]
pub mod mutant_switch {
    static mut ON: u32 = 0;
    #[inline]
    pub const fn on() -> u32 { unsafe { ON } }
    extern "C" fn read() {
        let Ok(value) = std::env::var("MUTANT") else { return };
        if value == "%s" { std::process::exit(77) }
        if let Ok(number) = value.parse() { unsafe { ON = number } }
    }
    #[used]
    #[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
    static INIT: extern "C" fn() = read;
}
"""
LINKED = 77
# Comments and literals, in which braces say nothing.
OPAQUE = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|\b[bc]?r(#*)".*?"\1|"(?:\\.|[^"\\])*"'
    r"|'(?:\\(?:u\{[^}]*\}|x..|.)|[^\\'\n])'",
    re.DOTALL,
)
# What stands before a block within a function that returns an `impl`, whose value has a type of its own.
INNER_BLOCK = re.compile(r"(\basync(\s+move)?|\|(\s*->[^{}]+)?)\s*$")
FAILED = re.compile(r"^test (\S+) (?:- should panic )?\.\.\. FAILED")
MEMORY = 16 << 30
TICK = 0.05
LONG = 10
STOPPED = threading.Event()


class Mutant:
    """One change of one spot, in a file whose text is `text`."""

    def __init__(self, listed, text):
        starts = line_starts(text)
        self.package, self.file = listed["package"], listed["file"]
        self.start, self.end = offsets(starts, listed["span"])
        self.line, self.column = listed["span"]["start"]["line"], listed["span"]["start"]["column"]
        self.replacement = listed["replacement"]
        function = listed["function"] or {}
        self.function = function.get("function_name")
        self.returns = function.get("return_type", "")
        self.around = offsets(starts, function["span"]) if function else (self.start, self.end)
        self.description = listed["name"].split(": ", 1)[1]
        # What a constant is known by is its line.
        known = self.around if function else (starts[self.line - 1], self.end)
        told = (self.file, self.function, text[slice(*known)], self.start - known[0], self.description)
        self.id = hashlib.sha1("\0".join(map(str, told)).encode()).hexdigest()[:12]
        self.number = None

    def applied(self, text, start, end):
        """The part of `text` from `start` to `end`, changed."""
        return f"{text[start:self.start]}{self.replacement} {text[self.end:end]}"

    def result(self, outcome):
        """The line for the results."""
        return {
            "id": self.id,
            "file": self.file,
            "function": self.function,
            "line": self.line,
            "column": self.column,
            "description": self.description,
            "outcome": outcome,
        }


class Results:
    """What is known so far; each result is on disk before the next is tried."""

    def __init__(self, path, again):
        self.path, self.known, self.lock = path, {}, threading.Lock()
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                result = json.loads(line)
                self.known[result["id"]] = result
        for result in [result for result in self.known.values() if result["outcome"] in again]:
            del self.known[result["id"]]

    def add(self, result):
        """Notes one more."""
        with self.lock:
            self.known[result["id"]] = result
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")

    def judged(self, mutant, judge, outcome, test):
        """Notes what a judge says: an outcome, or None if it noticed nothing."""
        passed = self.known.get(mutant.id, {}).get("passed", [])
        if outcome:
            self.add({**mutant.result(outcome), "judge": judge.name, "test": test, "passed": passed})
        else:
            self.add({**mutant.result("missed"), "passed": [*passed, judge.name]})

    def outcome(self, mutant):
        """How it went so far, or None."""
        return self.known.get(mutant.id, {}).get("outcome")

    def waits(self, mutant, judge):
        """Whether this judge has to be asked still."""
        known = self.known.get(mutant.id)
        return not known or known["outcome"] == "missed" and judge.name not in known["passed"]


# Seconds of CPU time, without work, and in all, after which a program is taken to hang. The last is a way out and no more:
# how long a program takes says little on a busy machine.
Limits = collections.namedtuple("Limits", "cpu idle all")


class Judge:
    """Test programs, by the arguments of `cargo test` that select them and those that they get."""

    def __init__(self, told):
        self.name, _, arguments = told.partition("=")
        words = shlex.split(arguments)
        split = words.index("--") if "--" in words else len(words)
        self.select, self.arguments, self.programs, self.linked = words[:split], words[split + 1 :], [], set()
        self.limits = {}

    def look(self, packages):
        """Notes whose mutants are in its programs."""
        self.linked = {
            package
            for package in packages
            for program, _ in self.programs
            if subprocess.run([program, "--list"], env=environment(package), capture_output=True).returncode == LINKED
        }

    def passes(self, options):
        """Runs the programs without mutants, and ends everything if one fails. Notes how long each may take with one."""
        for program, folder in self.programs:
            outcome, test, cpu = watch([program, *self.arguments], folder, None, self.most(options))
            if outcome:
                sys.exit(f"{self.name} without mutants: {outcome}: {program_name(program)}: {test}")
            limit = int(min(max(options.cpu, 8 * cpu), options.most))
            self.limits[program_name(program)] = self.most(options)._replace(cpu=limit)

    @staticmethod
    def most(options):
        """What a program may take of which nothing is known."""
        return Limits(options.most, options.idle, 5 * options.most)

    def ask(self, number, options):
        """`(outcome, test)` with the mutant of that number, or with none; the outcome is None if nothing is noticed."""
        for program, folder in self.programs:
            began = time.monotonic()
            limits = self.limits.get(program_name(program), self.most(options))
            outcome, test, _ = watch([program, *self.arguments], folder, number, limits)
            if outcome == "caught" and time.monotonic() - began > LONG and number is not None:
                # A test with a time limit of its own, on a machine that is too busy for it?
                outcome = "unsure" if watch([program, "--exact", test], folder, None, limits)[0] else outcome
            if outcome:
                return outcome, f"{program_name(program)}: {test}"
        return None, None


class Copy:
    """The workspace again, in a folder of its own, to be rewritten and built."""

    def __init__(self, source, work):
        self.root, self.target, self.texts = work / "copy", work / "target", {}
        self.arms, self.sites, self.switches, self.changed = {}, {}, {}, set()
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=source, check=True, stdout=subprocess.PIPE, text=True,
        ).stdout
        files = {name for name in listed.split("\0") if name and (source / name).is_file()}
        for name in files:
            content = (source / name).read_bytes()
            write(self.root / name, content)
            if name.endswith(".rs"):
                self.texts[name] = content.decode()
        for old in self.root.rglob("*"):
            if old.is_file() and str(old.relative_to(self.root)) not in files:
                old.unlink()
        metadata = subprocess.run(
            ["cargo", "metadata", "--no-deps", "--format-version", "1"],
            cwd=self.root, check=True, stdout=subprocess.PIPE, text=True,
        ).stdout
        for package in json.loads(metadata)["packages"]:
            for target in package["targets"]:
                if {"lib", "rlib", "proc-macro"} & set(target["kind"]):
                    file = pathlib.Path(target["src_path"]).relative_to(self.root.resolve())
                    self.switches[package["name"]] = str(file)

    def rewrite(self, mutants):
        """Writes all of `mutants` into the copy, each behind its number; returns those that cannot be switched."""
        self.arms, self.sites, stuck = {}, {}, []
        packages = {mutant.package for mutant in mutants}
        files = collections.defaultdict(list, {self.switches[package]: [] for package in packages})
        for mutant in mutants:
            files[mutant.file].append(mutant)
        self.restore(self.changed - set(files))
        for file, inside in files.items():
            text = self.texts[file]
            sites, odd = find_sites(text, inside)
            stuck += odd
            new, self.arms[file], self.sites[file] = switched(text, sites)
            for package in packages:
                if self.switches[package] == file:
                    new += SWITCH % package
            self.change(file, new)
        return stuck

    def restore(self, files):
        """Makes `files` what they were."""
        for file in files:
            self.change(file, self.texts[file])
        self.changed -= set(files)

    def change(self, file, text):
        """Writes one file of the copy."""
        self.changed.add(file)
        write(self.root / file, text.encode())

    def alone(self, mutant):
        """Writes one mutant in place, without a switch, and nothing else."""
        self.restore(self.changed - {mutant.file})
        text = self.texts[mutant.file]
        self.change(mutant.file, mutant.applied(text, 0, len(text)))

    def cargo(self, *arguments):
        """Runs cargo; returns `(errors, programs)`, what the compiler said and the test programs with their folders."""
        command = ["cargo", *arguments, "--message-format=json", "--locked"]
        flags = os.environ.get("RUSTFLAGS", "") + " --cap-lints=allow"
        env = {**os.environ, "CARGO_TARGET_DIR": str(self.target), "RUSTFLAGS": flags, "CARGO_PROFILE_DEV_DEBUG": "0"}
        ran = subprocess.run(
            command, cwd=self.root, env=env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        errors, programs = [], []
        for line in ran.stdout.splitlines():
            told = json.loads(line)
            if told["reason"] == "compiler-message" and told["message"]["level"].startswith("error"):
                errors.append(told["message"])
            if told["reason"] == "compiler-artifact" and told.get("executable") and told["profile"]["test"]:
                programs.append((told["executable"], os.path.dirname(told["manifest_path"])))
        if ran.returncode and not errors:
            sys.exit(f"{shlex.join(command)}\n{ran.stderr}")
        return errors, programs

    def blamed(self, errors):
        """`({mutant: outcome}, unexplained)`: whom the errors are about, and those that are about nobody."""
        guilty, unexplained = {}, []
        for error in errors:
            if not error["spans"] and not error["children"]:
                continue
            primary = [span for span in error["spans"] if span["is_primary"]]
            for spans, ranges, outcome in (
                (primary, self.arms, "unviable"),
                (list(all_spans(error)), self.arms, "unviable"),
                (list(all_spans(error)), self.sites, "untried"),
            ):
                found = [mutant for span in spans for mutant in within(ranges, span)]
                if found:
                    guilty.update((mutant, outcome) for mutant in found)
                    break
            else:
                unexplained.append(error)
        return guilty, unexplained


def main():
    """Tries what is asked for, and says what came of it."""
    options = parse()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    source, work = pathlib.Path.cwd(), options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    results = Results(work / "results.jsonl", options.again)
    judges = [Judge(told) for told in options.judge]
    copy = Copy(source, work)
    mutants = list_mutants(options, copy)
    for judge in judges:
        waiting = [mutant for mutant in mutants if results.waits(mutant, judge)]
        print(f"{judge.name}: {len(waiting)} of {len(mutants)} mutants", flush=True)
        if waiting:
            try_switched(copy, waiting, judge, results, options)
    if options.alone:
        for mutant in [mutant for mutant in mutants if results.outcome(mutant) == "untried"]:
            try_alone(copy, mutant, judges, results, options)
    sys.exit(report([results.known[mutant.id] for mutant in mutants if mutant.id in results.known], options.missed))


def stop(*_):
    """Ends this program, and those that it has started."""
    STOPPED.set()
    sys.exit("stopped")


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", action="append", required=True, help="whose files are changed")
    parser.add_argument("--file", action="append", default=[], help="only files like this one, as cargo-mutants has it")
    parser.add_argument("--exclude", action="append", default=[], help="no files like this one")
    parser.add_argument("--judge", action="append", required=True, help="NAME=arguments of `cargo test`")
    parser.add_argument("--cpu", type=int, default=10, help="seconds of CPU time for one program at least (%(default)s)")
    parser.add_argument("--most", type=int, default=600, help="and at most (%(default)s)")
    parser.add_argument("--idle", type=float, default=10, help="seconds without work that are a hang (%(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="how many are tried at a time (%(default)s)")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("target/mutants"), help="(%(default)s)")
    parser.add_argument("--again", action="append", default=[], help="try those with this outcome again")
    parser.add_argument("--missed", type=float, default=100, help="how many percent may be missed (%(default)s)")
    parser.add_argument("--alone", action="store_true", help="build those one by one that have no place in a switch")
    return parser.parse_args()


def list_mutants(options, copy):
    """What cargo-mutants would try, with `.cargo/mutants.toml` in force."""
    command = ["cargo", "mutants", "--list", "--json"]
    for option in ("package", "file", "exclude"):
        command += [word for value in getattr(options, option) for word in (f"--{option}", value)]
    listed = json.loads(subprocess.run(command, cwd=copy.root, check=True, stdout=subprocess.PIPE).stdout)
    return [Mutant(entry, copy.texts[entry["file"]]) for entry in listed]


def try_switched(copy, mutants, judge, results, options):
    """Builds `mutants` into one program for `judge`, and asks it about each."""
    for number, mutant in enumerate(mutants, 1):
        mutant.number = number
    built = build(copy, mutants, judge, results)
    judge.look({mutant.package for mutant in built})
    judge.passes(options)
    print(f"{judge.name}: passes without mutants; has those of {', '.join(sorted(judge.linked)) or 'none'}", flush=True)

    def attempt(mutant):
        if mutant.package in judge.linked:
            outcome, test = judge.ask(mutant.number, options)
            results.judged(mutant, judge, outcome, test)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done, _ in enumerate(pool.map(attempt, built), 1):
            if done % 50 == 0:
                print(f"{done} of {len(built)}", flush=True)


def build(copy, mutants, judge, results):
    """Builds the judge's programs, taking out what does not compile; returns the mutants that are in."""
    # Checking is the faster way to most errors; the programs say the last word.
    verbs, alive = [["check"], ["test", "--no-run"]], mutants
    while verbs:
        stuck = copy.rewrite(alive)
        for mutant in stuck:
            results.add(mutant.result("untried"))
        errors, judge.programs = copy.cargo(*verbs[0], *judge.select)
        guilty, unexplained = copy.blamed(errors)
        if unexplained and not guilty:
            sys.exit("".join(error["rendered"] for error in unexplained))
        for mutant, outcome in guilty.items():
            results.add(mutant.result(outcome))
        alive = [mutant for mutant in alive if mutant not in guilty and mutant not in stuck]
        print(f"{verbs[0][0]} for {judge.name}: {len(guilty)} taken out, {len(alive)} left", flush=True)
        if not guilty:
            verbs.pop(0)
    return alive


def try_alone(copy, mutant, judges, results, options):
    """Builds one mutant as cargo-mutants would, and asks the judges."""
    copy.alone(mutant)
    for judge in judges:
        errors, judge.programs = copy.cargo("test", "--no-run", *judge.select)
        if errors:
            results.add(mutant.result("unviable"))
            return
        outcome, test = judge.ask(None, options)
        results.judged(mutant, judge, outcome, test)
        if outcome:
            return


def report(results, allowed):
    """Prints the figures, and what was missed; 1 if that is too much."""
    missed = [result for result in results if result["outcome"] == "missed"]
    for result in missed:
        print(f"missed: {result['file']}:{result['line']}:{result['column']}: {result['description']}")
    count = collections.Counter(result["outcome"] for result in results)
    stages = collections.Counter(result["judge"] for result in results if "judge" in result)
    print(", ".join(f"{amount} {outcome}" for outcome, amount in sorted(count.items())))
    print(", ".join(f"{amount} noticed by {judge}" for judge, amount in stages.items()))
    viable = count["caught"] + count["timeout"] + count["missed"] + count["unsure"]
    if not viable:
        sys.exit("there was nothing to try")
    return int(len(missed) * 100 > allowed * viable)


# ---- rewriting ------------------------------------------------------------------------------------------------------


def find_sites(text, mutants):
    """`({(start, end) of a block's inside: mutants in it}, mutants without a place)`."""
    masked = OPAQUE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    blocks = brace_pairs(masked)
    functions = sorted({mutant.around for mutant in mutants if mutant.function})
    sites, stuck = collections.defaultdict(list), []
    for mutant in mutants:
        # The outermost: a function within another one is part of its body.
        outer = next((span for span in functions if span[0] <= mutant.start and mutant.end <= span[1]), None)
        site = outer and mutant.function and site_of(masked, blocks, outer, mutant)
        if site:
            sites[site].append(mutant)
        else:
            stuck.append(mutant)
    # A place inside another one (a closure's, where a function returns an `impl`) would be changed twice.
    nested = {a for a in sites for b in sites if a != b and b[0] <= a[0] and a[1] <= b[1]}
    stuck += [mutant for site in nested for mutant in sites.pop(site)]
    return sites, stuck


def site_of(masked, blocks, function, mutant):
    """Where the switch for `mutant` goes: the body of the function, or the first block in it whose type can be said."""
    body = next(((start, end) for start, end in blocks if end == function[1] - 1), None)
    if not body or "impl " not in mutant.returns:
        return body and (body[0] + 1, body[1])
    for start, end in sorted(blocks):
        inside = body[0] < start < mutant.start and mutant.end <= end
        if inside and INNER_BLOCK.search(masked[body[0] + 1 : start]):
            return start + 1, end
    return None


def brace_pairs(masked):
    """The offsets of all braces that belong together."""
    pairs, opened = [], []
    for found in re.finditer(r"[{}]", masked):
        if found[0] == "{":
            opened.append(found.start())
        elif opened:
            pairs.append((opened.pop(), found.start()))
    return pairs


def switched(text, sites):
    """`(text with switches, arms, sites)`; the latter as `(first line, last line, mutants)` of the new text."""
    new, arms, places, at, line = [], [], [], 0, 1

    def put(part):
        nonlocal line
        new.append(part)
        line += part.count("\n")

    for (start, end), mutants in sorted(sites.items()):
        put(text[at:start])
        first = line
        put("match crate::mutant_switch::on() {\n")
        for mutant in mutants:
            begin = line
            put(f"{mutant.number} => {{{mutant.applied(text, start, end)}\n}}\n")
            arms.append((begin, line - 1, [mutant]))
        put(f"_ => {{{text[start:end]}\n}} }}")
        places.append((first, line, mutants))
        at = end
    put(text[at:])
    return "".join(new), arms, places


def within(ranges, span):
    """The mutants whose lines a span of the compiler's is in."""
    for first, last, mutants in ranges.get(span["file_name"], []):
        if first <= span["line_start"] <= last:
            yield from mutants


def all_spans(message):
    """Every span that an error mentions."""
    for span in message["spans"]:
        while span:
            yield span
            span = (span.get("expansion") or {}).get("span")
    for child in message["children"]:
        yield from all_spans(child)


def line_starts(text):
    """Where each line begins."""
    return [0] + [found.end() for found in re.finditer("\n", text)]


def offsets(starts, span):
    """The offsets of a span of lines and columns, both counted from 1."""
    return tuple(starts[span[end]["line"] - 1] + span[end]["column"] - 1 for end in ("start", "end"))


def write(path, content):
    """Writes a file unless it says so already, since cargo looks at when it was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


# ---- running --------------------------------------------------------------------------------------------------------


def program_name(path):
    """What cargo calls a test program."""
    return os.path.basename(path).rpartition("-")[0]


def environment(mutant):
    """Tells a program which mutant it has."""
    return {**os.environ, "MUTANT": str(mutant)} if mutant is not None else {**os.environ}


def watch(command, folder, number, limits):
    """Runs a test program until it ends, a test fails or it hangs: `(outcome, test, seconds of CPU time)`."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment(number), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace",
    )
    if hasattr(resource, "prlimit"):
        resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
        # Should this program be killed meanwhile.
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (2 * limits.cpu, 2 * limits.cpu))
    failed = []
    reader = threading.Thread(target=read_tests, args=(process.stdout, failed), daemon=True)
    reader.start()
    clock = Clock(process.pid)
    try:
        while process.poll() is None and not failed:
            if STOPPED.is_set():
                sys.exit("stopped")
            if clock.spent(TICK) > limits.cpu or clock.idle > limits.idle or clock.ran > limits.all:
                return "timeout", "no end", clock.cpu
            reader.join(TICK)
            if not reader.is_alive():
                time.sleep(TICK / 4)
    finally:
        kill(process)
        reader.join()
    if process.returncode == -signal.SIGXCPU:
        return "timeout", "too long", clock.cpu
    if failed or process.returncode:
        return "caught", failed[0] if failed else f"status {process.returncode}", clock.cpu
    return None, None, clock.cpu


def read_tests(lines, failed):
    """Notes the tests that fail."""
    for line in lines:
        found = FAILED.match(line)
        if found:
            failed.append(found[1])


def kill(process):
    """Ends a program and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class Clock:
    """How long a program has run, worked, and neither worked nor been kept from it."""

    def __init__(self, pid):
        self.tasks = pathlib.Path(f"/proc/{pid}/task")
        self.ran = self.idle = self.cpu = self.marked = 0.0
        self.last = time.monotonic()

    def spent(self, tick):
        """Looks again, and returns the seconds of CPU time."""
        now = time.monotonic()
        # This program may have been stopped meanwhile: then the other was, too.
        passed, self.last = min(now - self.last, 5 * tick), now
        states, cpu = self.look()
        if "T" in states:
            return self.cpu
        self.ran += passed
        self.cpu = self.ran if cpu is None else max(cpu, self.cpu)
        if self.cpu > self.marked + 0.05 or {"R", "D"} & states:
            self.marked, self.idle = self.cpu, 0.0
        else:
            self.idle += passed
        return self.cpu

    def look(self):
        """The states of its threads and the CPU time of all; nothing where there is no /proc."""
        states, cpu = set(), None
        try:
            states = {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in self.tasks.iterdir()}
            fields = (self.tasks.parent / "stat").read_text().rpartition(")")[2].split()
            cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, IndexError):
            pass
        return states, cpu


if __name__ == "__main__":
    main()
