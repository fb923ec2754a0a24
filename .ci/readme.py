"""Runs the commands of a Markdown file, so that what it shows is what works.

Every fenced block whose info string is `sh` is run by bash from the repository root, in the order of the file; a block
marked `sh no-run` is only shown. Blocks run with `set -euo pipefail` and with the release binary on the PATH as `gibbsite`.
What they write is removed afterwards if it is new, unknown to git, and named in the file.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

FENCE = re.compile(r"^```sh[ \t]*([^\n]*)\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


def untracked() -> set[str]:
    """Files and folders that git does not track, ignored ones like model files included, build outputs not."""
    command = ["git", "ls-files", "--others", "--directory", "-z", "--exclude=/target"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return set(listing.split("\0")) - {""}


def remove(path: Path) -> None:
    """Removes a file, or a folder with its files."""
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            remove(child)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def main(file: str) -> int:
    """Runs the blocks of `file`; returns the exit code."""
    text = Path(file).read_text(encoding="utf-8")
    blocks = [(text.count("\n", 0, m.start()) + 2, m[1].split(), m[2]) for m in FENCE.finditer(text)]
    to_run = [(line, body) for line, marks, body in blocks if "no-run" not in marks]
    if not to_run:
        print(f"{file}: no ```sh blocks to run", file=sys.stderr)
        return 1
    target = Path(os.environ.get("CARGO_TARGET_DIR", "target")).resolve()
    environment = os.environ | {"PATH": f"{target / 'release'}{os.pathsep}{os.environ['PATH']}", "GIBBSITE_README": "1"}
    before = untracked()
    try:
        for line, body in to_run:
            # `./test` in the README would call this script again.
            commands = re.sub(r"^\./test\b.*$", ": ./test is running", body, flags=re.MULTILINE)
            print(f"{file}:{line}: {body.strip()}", flush=True)
            since = time.monotonic()
            code = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], env=environment).returncode
            if code != 0:
                print(f"{file}:{line}: exit code {code}", file=sys.stderr)
                return 1
            print(f"{file}:{line}: ok in {time.monotonic() - since:.1f} s", flush=True)
    finally:
        for path in untracked() - before:
            if Path(path).name in text:
                remove(Path(path))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
