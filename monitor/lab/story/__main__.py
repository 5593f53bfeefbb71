"""Write a story to files: `python -m monitor.lab.story --seed N --feed FILE --watchlist FILE [--truth FILE]`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from monitor.errors import ConfigError
from monitor.lab.story.table import watchlist_table
from monitor.lab.story.telling import Story, StorySettings, tell

_USUAL = StorySettings()


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell the story and write it; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m monitor.lab.story", description="Write a feed of invented documents about invented companies."
    )
    parser.add_argument("--seed", type=int, default=_USUAL.seed, help="which story (default: %(default)s)")
    parser.add_argument("--days", type=int, default=_USUAL.days, help="length (default: %(default)s)")
    parser.add_argument("--documents", type=int, default=_USUAL.documents, help="records (default: %(default)s)")
    parser.add_argument("--feed", type=Path, required=True, help="where the feed goes, JSON lines")
    parser.add_argument("--watchlist", type=Path, required=True, help="where the watchlist goes, CSV")
    parser.add_argument("--truth", type=Path, help="where the list of what was planted goes, JSON")
    asked = parser.parse_args(arguments)
    try:
        story = tell(StorySettings(seed=asked.seed, days=asked.days, documents=asked.documents))
        _write(story, asked.feed, asked.watchlist, asked.truth)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"Wrote {len(story.records):,} records about {len(story.watchlist)} companies to {asked.feed}.")
    return 0


def _write(story: Story, feed: Path, watchlist: Path, truth: Path | None) -> None:
    contents = [
        (feed, b"".join(line + b"\n" for line in story.records)),
        (watchlist, watchlist_table(story.watchlist).encode()),
    ]
    if truth is not None:
        planted = [asdict(one) for one in story.planted]
        contents.append((truth, (json.dumps(planted, indent=1) + "\n").encode()))
    for path, content in contents:
        try:
            path.write_bytes(content)
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            raise ConfigError(f"{path}: cannot be written ({reason}); give a path in a folder that exists") from exc


if __name__ == "__main__":
    sys.exit(main())
