"""What the gate asks of `cargo metadata`: `arrows` checks who depends on whom, `examples` lists what is to be run."""

import json
import re
import subprocess
import sys

CORE, TESTKIT, BENCHES = "tasker-core", "tasker-testkit", "benches"


def main():
    """Runs the one subcommand named."""
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    packages = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"]
    verbs = {"arrows": arrows, "examples": examples}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        sys.exit(f"usage: workspace.py {'|'.join(verbs)}")
    sys.exit(verbs[sys.argv[1]](packages))


def arrows(packages):
    """Every arrow points to core: prints each dependency that doesn't, and what the rule is."""
    members = {package["name"] for package in packages}
    faults = [
        f"{package['name']} -> {dependency['name']}: {fault}"
        for package in packages
        for dependency in package["dependencies"]
        if dependency["name"] in members and (fault := judge(package["name"], dependency))
    ]
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


def judge(crate, dependency):
    """Says what is wrong with one crate's dependency on another member, or None."""
    other = dependency["name"]
    if crate == BENCHES:
        return None
    if other == BENCHES:
        return "nobody depends on the benches"
    if dependency["kind"] != "dev":
        if crate == CORE:
            return "core depends on no member of the workspace"
        return None if other == CORE else "only core may be depended on"
    if crate not in (CORE, TESTKIT) and other not in (CORE, TESTKIT):
        return "a backend never sees another, not even in its tests"
    # With a version, publishing would go in a circle: each crate would have to be there before the other. The
    # `.workspace = true` form carries one.
    if other != CORE and dependency["req"] != "*":
        return "a dev-dependency within the workspace goes by path alone: { path = \"..\" }"
    return None


def examples(packages):
    """Prints `crate|example|features|status|arguments` for every run of every example."""
    for package in sorted(packages, key=lambda package: package["name"]):
        for target in sorted(package["targets"], key=lambda target: target["name"]):
            if target["kind"] != ["example"]:
                continue
            with open(target["src_path"], encoding="utf-8") as file:
                source = file.read()
            features = ",".join(target.get("required-features", []))
            status = (notes(source, "gate-status") or ["0"])[0]
            for arguments in notes(source, "gate") or [""]:
                print(package["name"], target["name"], features, status, arguments, sep="|")
    return 0


def notes(source, key):
    """The texts after the `// key:` lines."""
    return [text.strip() for text in re.findall(rf"^// {key}:(.*)$", source, re.MULTILINE)]


main()
