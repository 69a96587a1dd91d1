#!/usr/bin/env python3
"""Makes karpenter.tsv, the table of what the definitions (CRDs) of Karpenter's releases accept.

    karpenter.py CLONE > karpenter.tsv

CLONE is a clone of github.com/aws/karpenter-provider-aws with its tags. The definitions are pkg/apis/crds of each tag, under
the Apache License 2.0.

A row is: path, keyword, releases, value (and for a rule of CEL, its message). `*` in a path is every element of a list, `{}`
every member of a map. A line that begins with `@` opens a kind in a version of its API, with the releases that have it and how many
bytes its rows have.

One minor release is what all of its patches have in common: a field that one of them has counts as known, a constraint counts
only if all of them have it; `late` is a field that the first patch does not have. What an object's status and metadata may hold is left out.
"""

import json
import re
import subprocess
import sys

import yaml

LIMITS = ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties"]
# v1alpha5 and v1alpha1 are one range: who still has them is on the way out.
ALPHA = {"Provisioner", "Machine", "AWSNodeTemplate"}


def git(clone, *arguments):
    return subprocess.run(["git", "-C", clone, *arguments], capture_output=True, text=True, check=True).stdout


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def rows(schema, path, into):
    """The rows of a schema: (path, keyword, value)."""
    kind = "int-or-string" if schema.get("x-kubernetes-int-or-string") else schema.get("type", "")
    into.add((path, "type", kind))
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        into.add((path, "keep", ""))
    for limit in LIMITS:
        if limit in schema:
            into.add((path, limit, str(schema[limit])))
    if "pattern" in schema:
        into.add((path, "pattern", schema["pattern"]))
    for part in schema.get("allOf", []):
        if set(part) - {"pattern", "anyOf"}:
            raise SystemExit(f"{path}: allOf with {sorted(part)}")
        if "pattern" in part:
            into.add((path, "pattern", part["pattern"]))
    if "anyOf" in schema and schema["anyOf"] != [{"type": "integer"}, {"type": "string"}]:
        raise SystemExit(f"{path}: anyOf {schema['anyOf']}")
    for keyword in ["oneOf", "not", "multipleOf", "uniqueItems", "exclusiveMinimum", "exclusiveMaximum", "minProperties"]:
        if keyword in schema:
            raise SystemExit(f"{path}: {keyword}")
    for value in schema.get("enum", []):
        into.add((path, "enum", json.dumps(value)))
    for name in schema.get("required", []):
        into.add((path, "required", name))
    if "default" in schema:
        into.add((path, "default", json.dumps(schema["default"], separators=(",", ":"))))
    for rule in schema.get("x-kubernetes-validations") or []:
        into.add((path, "cel", one_line(rule["rule"]) + "\t" + one_line(rule.get("message", ""))))
    for name, child in (schema.get("properties") or {}).items():
        if path == "" and name in ("metadata", "status"):
            into.add((f"/{name}", "keep", ""))
            continue
        rows(child, f"{path}/{name}", into)
    if isinstance(schema.get("items"), dict):
        rows(schema["items"], f"{path}/*", into)
    if isinstance(schema.get("additionalProperties"), dict):
        rows(schema["additionalProperties"], f"{path}/{{}}", into)


def common(patches):
    """What the patches of one minor release have in common."""
    everything = set().union(*patches)
    paths = {path: [patch for patch in patches if any(row[0] == path for row in patch)] for path, _, _ in everything}
    kept = set()
    for row in everything:
        path, keyword, _ = row
        of = paths[path]
        if keyword == "enum":
            # A value that one patch admits counts as admitted; where one has no list, all are.
            if all(any(other[:2] == (path, "enum") for other in patch) for patch in of):
                kept.add(row)
        elif keyword in ("keep",) or all(row in patch for patch in of):
            kept.add(row)
    kept |= {(path, "late", "") for path, of in paths.items() if len(of) < len(patches)}
    # A field whose type changed is still a field.
    return kept | {(path, "type", "") for path in paths if not any(row[:2] == (path, "type") for row in kept)}


def ranges(minors, every):
    """`0.33-1.0,1.3` of a set of minor releases, empty where it is every one."""
    if minors == set(every):
        return ""
    texts, run = [], []
    for minor in every + [None]:
        if minor in minors:
            run.append(minor)
        elif run:
            texts.append(".".join(map(str, run[0])) + ("-" + ".".join(map(str, run[-1])) if len(run) > 1 else ""))
            run = []
    return ",".join(texts)


def main():
    clone = sys.argv[1]
    tags = []
    for tag in git(clone, "tag").split():
        match = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", tag)
        if match:
            tags.append((tuple(map(int, match.groups())), tag))
    schemas = {}  # (kind, version) -> minor -> [(release, rows)]
    for release, tag in sorted(tags):
        for file in git(clone, "ls-tree", "--name-only", tag, "pkg/apis/crds/").split():
            if not file.endswith(".yaml"):
                continue
            definition = yaml.load(git(clone, "show", f"{tag}:{file}"), Loader=yaml.CSafeLoader)
            spec = definition["spec"]
            noun = spec["names"]["kind"]
            if "karpenter" not in spec["group"]:
                continue
            # The repository has the definitions of 0.32 before its release.
            if noun not in ALPHA and release < (0, 32, 0):
                continue
            for version in spec["versions"]:
                if not version["served"]:
                    continue
                found = set()
                rows(version["schema"]["openAPIV3Schema"], "", found)
                minor = ("alpha",) if noun in ALPHA else release[:2]
                per = schemas.setdefault((f"{spec['group']}/{noun}", version["name"]), {})
                per.setdefault(minor, []).append((release, found))
    print("# Made by karpenter.py: do not edit. Definitions of github.com/aws/karpenter-provider-aws, Apache-2.0.")
    for (kind, version), per in sorted(schemas.items()):
        every = sorted(per)
        first = {minor: patches[0][0] for minor, patches in per.items()}
        served = []
        for minor in every:
            patches = [release for release, _ in per[minor]]
            if minor == ("alpha",):
                served = [".".join(map(str, patches[0])), ".".join(map(str, patches[-1]))]
                continue
            served.append(".".join(map(str, first[minor])))
        merged = {minor: common([found for _, found in patches]) for minor, patches in per.items()}
        having = {}
        for minor, found in merged.items():
            for row in found:
                having.setdefault(row, set()).add(minor)
        # Values of one list, in the same releases, share a row.
        together = {}
        for (path, keyword, value), minors in having.items():
            joined = keyword in ("enum", "required")
            key = (path, keyword, ranges(minors, every) if minors != {("alpha",)} else "", "" if joined else value)
            together.setdefault(key, []).append(value)
        order = ["type", "late", "keep", "required", "default", "enum", "pattern", *LIMITS, "cel"]
        lines = []
        for path, keyword, span, value in sorted(together, key=lambda key: (key[0], order.index(key[1]), key[2], key[3])):
            values = sorted(together[path, keyword, span, value])
            lines.append("\t".join([path, keyword, span, " ".join(values)]).rstrip("\t") + "\n")
        text = "".join(lines)
        print(f"@{kind}\t{version}\t{' '.join(served)}\t{len(text.encode())}\n{text}", end="")


main()
