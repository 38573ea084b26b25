"""The figures of `structure.sh`, taken from a folder of formatted Rust sources.

The counts are made by pattern, line by line, which formatted sources allow. What has to be exact, such as the layers,
is checked by `tests/layers.rs`.
"""

import pathlib
import re
import sys
from collections import Counter, defaultdict

LONGEST = 15
SCREEN = 60

FUNCTION = re.compile(r"^( *)(?:pub(?:\([^)]*\))? )?(?:const )?(?:async )?(?:unsafe )?fn (\w+)")
TYPE = re.compile(r"^ *(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|union) ([A-Z]\w*)|^(?:pub(?:\([^)]*\))? )?type ([A-Z]\w*)")
SPAN = re.compile(r"#\[(?:tracing::)?instrument|\b(?:trace_|debug_|info_|warn_|error_)?span!\(")
DOC = re.compile(r"^ *///(?!/)(.*)")
COMMENT = re.compile(r"(?:^|\s)//[/!]?(?!/)(.*)")


def without_tests(text):
    """The source without its `#[cfg(test)]` items."""
    kept, skipped_at = [], None
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if skipped_at is not None:
            ends = re.match(r"[})\]]+;?$", line.strip()) or (is_first and line.rstrip().endswith((";", "}", ",")))
            is_first = is_first and line.strip().startswith("#[")
            if ends and indent <= skipped_at:
                skipped_at = None
            continue
        if line.strip() == "#[cfg(test)]":
            skipped_at, is_first = indent, True
            continue
        kept.append(line)
    return "\n".join(kept).rstrip() + "\n"


def read(folder):
    """Path below `src` and source of every file outside tests."""
    files = {}
    for path in sorted(folder.rglob("*.rs")):
        below = path.relative_to(folder)
        if "tests" in below.with_suffix("").parts:
            continue
        files[below.as_posix()] = without_tests(path.read_text())
    return files


def module_of(path):
    return path.split("/")[0].removesuffix(".rs")


def names_behind(text):
    """The first names of what follows `crate::`: one, or all of a `{…}` group at its own level."""
    if not text.startswith("{"):
        return re.findall(r"^(?:r#)?(\w+)", text)
    depth, group = 0, ""
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth == 0:
            break
        if depth == 1:
            group += character
    return [word for part in group[1:].split(",") for word in re.findall(r"^\s*(\w+)", part)]


def imports(files):
    """How often each module at the root uses each other one."""
    modules = {module_of(path) for path in files} - {"lib", "main"}
    edges = Counter()
    for path, text in files.items():
        code = re.sub(r"^ *//.*$", "", text, flags=re.MULTILINE)
        used = {name for at in re.finditer(r"\bcrate::\s*", code) for name in names_behind(code[at.end() :])}
        edges.update((module_of(path), name) for name in used & modules if name != module_of(path))
    return modules, edges


def layers(lib):
    """Layer by module, from the table in `lib.rs`."""
    found = {}
    for number, modules in re.findall(r"^//! \| (\d) \| ([^|]*) \|", lib, flags=re.MULTILINE):
        found.update({name: int(number) for name in re.findall(r"`(\w+)`", modules)})
    return found


def functions(files):
    """Length, path and name of every function."""
    found = []
    for path, text in files.items():
        lines = text.splitlines()
        for start, line in enumerate(lines):
            head = FUNCTION.match(line)
            if not head or line.rstrip().endswith((";", "{}")):
                continue
            end = head.group(1) + "}"
            for at in range(start, len(lines)):
                if lines[at] == end or (at == start and line.rstrip().endswith("}")):
                    found.append((at - start + 1, path, head.group(2)))
                    break
                if lines[at].endswith(";") and lines[at].startswith(head.group(1) + ")"):
                    break
    return sorted(found, reverse=True)


def doc_comments(text):
    """Each doc comment of an item, its lines joined."""
    joined = ""
    for line in [*text.splitlines(), ""]:
        doc = DOC.match(line)
        if doc:
            joined += doc.group(1)
        elif joined:
            yield joined
            joined = ""


def types(files):
    """Where each type name is defined."""
    found = defaultdict(list)
    for path, text in files.items():
        for line in text.splitlines():
            head = TYPE.match(line)
            if head:
                found[head.group(1) or head.group(2)].append(path)
    return {name: paths for name, paths in found.items() if len(paths) > 1}


def percentile(sizes, share):
    return sizes[min(len(sizes) - 1, int(len(sizes) * share))]


def main(folder):
    files = read(folder)
    everything = "\n".join(files.values())
    nested = len(re.findall(r"Result<\s*Result<", everything))
    thrown_away = len(re.findall(r"map_err\(\s*\|_\|", everything))

    sizes = sorted(len(text.splitlines()) for text in files.values())
    largest = max(files, key=lambda path: len(files[path].splitlines()))
    print(f"files                          {len(files)}, lines {sum(sizes)}")
    print(f"lines of a file                median {percentile(sizes, 0.5)}, p90 {percentile(sizes, 0.9)}, "
          f"largest {sizes[-1]} ({largest})")
    over = [f"{sum(size > limit for size in sizes)} over {limit}" for limit in (400, 450, 800)]
    print(f"files                          {', '.join(over)}")

    modules, edges = imports(files)
    layer = layers(files["lib.rs"])
    up = sorted(f"{here} uses {there}" for here, there in edges if layer.get(here, 9) < layer.get(there, 0))
    print(f"imports between modules        {len(edges)} between {len(modules)}, from {sum(edges.values())} files")
    print(f"imports that go up a layer     {len(up)} {', '.join(up)}".rstrip())

    print(f"nested Result<Result<          {nested}")
    print(f"map_err(|_| …)                 {thrown_away}")
    print(f"AssertSqlSafe                  {everything.count('AssertSqlSafe(')}")
    print(f"tracing spans                  {len(SPAN.findall(everything))}")

    docs = [doc for text in files.values() for doc in doc_comments(text)]
    words = sum(len(at.group(1).split()) for text in files.values() for line in text.splitlines()
                for at in [COMMENT.search(line)] if at)
    print(f"doc comments                   {len(docs)}, of four words or fewer "
          f"{sum(len(doc.split()) <= 4 for doc in docs)}")
    print(f"words in comments              {words}")

    by_length = functions(files)
    print(f"functions                      {len(by_length)}, longer than {SCREEN} lines "
          f"{sum(length > SCREEN for length, _, _ in by_length)}; the longest:")
    for length, path, name in by_length[:LONGEST]:
        print(f"  {length:4} {path} {name}")

    twice = types(files)
    print(f"type names used more than once {len(twice)}:")
    for name, paths in sorted(twice.items(), key=lambda item: (-len(item[1]), item[0])):
        print(f"  {len(paths):4} {name}: {', '.join(paths)}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
