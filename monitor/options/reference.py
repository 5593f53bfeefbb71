"""Reference: docs/config.md, written from the declarations, so that it cannot say anything else than the code."""

from collections.abc import Iterable, Mapping, Sequence

from monitor.options.option import Option
from monitor.options.pairs import Rule
from monitor.options.sources import variable
from monitor.options.yaml_tree import write_yaml

_INTRODUCTION = """\
# Configuration

This page is written by `python -m monitor.config > docs/config.md` and kept in step by a test.

Every option has a default; a configuration names only what differs. Sources, each above those before it:

1. the defaults below;
2. the YAML file given with `--config`;
3. the environment: `MONITOR_<SECTION>__<KEY>`, so {example} is `scorer.kind`. Lists are YAML in brackets,
   `MONITOR_DETECTION__LOOK_BACKS='[1h, 4h]'`; an empty value is null;
4. the command line;
5. secret files: in the directory that `secrets_dir` (or `MONITOR_SECRETS_DIR`) names, one file for each secret, named
   like the option, such as `notify.slack_webhook_url`; one line end after the secret is dropped.

Durations are a whole number with a unit: `250ms`, `2s`, `15m`, `24h`, `30d`. Relative paths start at the working
directory. Unknown keys, wrong values, bad pairs and missing files stop the monitor at once, all of them reported
together by path. A secret may stand in the YAML file, but that is warned of; no message and no dump shows one.

Alerts carry the configuration's fingerprint, a hash of the options marked *decides*; the others only say where things
lie, how fast they go or how people are told.
"""


_HEAD = ("| key | type | default | range | decides | meaning |", "|---|---|---|---|---|---|")


def write_reference(
    options: Mapping[str, Option[object]], words: Mapping[str, str], pairs: Iterable[Rule], deciding: Sequence[str]
) -> str:
    """Markdown of all options. `words` is a sentence for each section; `deciding` are the paths in the fingerprint."""
    lines = _INTRODUCTION.format(example=f"`{variable('scorer.kind')}`").splitlines()
    section = None
    for path, option in options.items():
        here, _, key = path.rpartition(".")
        if here != section:
            lines += ["", f"## {here}", "", words[here], "", *_HEAD] if here else ["", *_HEAD]
            section = here
        cells = [
            f"`{key}`",
            option.kind.describe(),
            f"`{_inline(option.show(option.default, masked=True))}`",
            option.kind.limits(),
            "yes" if path in deciding else "",
            " ".join((option.sentence, *(f"`{name}` in the environment gives it too." for name in option.also))),
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", "## Pairs", "", "What one option asks of another:", ""]
    lines += [f"- {pair.rule}." for pair in pairs]
    return "\n".join(lines).rstrip() + "\n"


def _inline(shown: object) -> str:
    """A value as one writes it in YAML on one line."""
    if isinstance(shown, list):
        return "[" + ", ".join(_inline(entry) for entry in shown) + "]"
    if isinstance(shown, dict):
        return "{" + ", ".join(f"{key}: {_inline(value)}" for key, value in shown.items()) + "}"
    return shown if isinstance(shown, str) else write_yaml(shown).removesuffix("\n").removesuffix("\n...")
