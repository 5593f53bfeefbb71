"""Data sets in the project's schema: `python -m models.data import NAME PATH [--out FILE]`, `... list`.

The data sets are no part of the project. `import` reads a user's own copy of a published one; docs/data.md says where
each comes from and what its licence allows.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from models.corpus.importing import write_samples
from models.corpus.published import PUBLISHED, Use, find_published
from models.corpus.rows import SUFFIXES, DataError


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for a name or a copy that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m models.data", description="Data sets in the project's schema.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the data sets that can be imported")
    importing = commands.add_parser("import", help="read your own copy of a published data set")
    importing.add_argument("name", metavar="NAME", help="as `list` tells")
    importing.add_argument("path", metavar="PATH", type=Path, help="file, folder or zip, as published")
    importing.add_argument("--out", type=Path, metavar="FILE", help="default: NAME.jsonl.gz in this folder")
    options = parser.parse_args(arguments)
    if options.command == "list":
        for name, one in PUBLISHED.items():
            print(f"{name:<28}{one.title}; commercial use {one.use}; wants {one.copy}")
        return 0
    out = options.out or Path(f"{options.name}.jsonl.gz")
    try:
        published = find_published(options.name)
        if not out.name.endswith(SUFFIXES[:2]):
            raise DataError(f"--out {out}: the name must end with .jsonl.gz or .jsonl")
        told = write_samples(published.read(options.path), out)
    except (DataError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{out}: {told}")
    if published.use is not Use.ALLOWED:
        print(f"Licence: {published.licence}; commercial use is {published.use}. See docs/data.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
