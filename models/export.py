"""From a finished run to a checkpoint folder: `python -m models.export RUN OUT --name en-2026.11`.

Order of events: best weights -> the one weight file -> the graph over it -> both asked the same random questions ->
manifest. Nothing is written to OUT unless torch and onnxruntime agree. `load_torch` makes a torch network of a
checkpoint again; `models.quantise` adds the graph of integers. Deliberately left out: serving (`models.serving`), and
encoders other than BERT.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from models.checkpoint import (
    CONDITIONS,
    FILES,
    FORMAT,
    GRAPH,
    INTEGER_GRAPH,
    MANIFEST,
    MOST_SHIFT,
    TOKENIZER,
    WEIGHTS,
    Architecture,
    CheckpointError,
    load_manifest,
)
from models.corpus.rows import DataError
from models.exporting.agreement import compare
from models.exporting.graph import build_graph
from models.exporting.sizes import network_from, sizes_of
from models.exporting.weights import BITS, ExportError, save_weights
from models.labels import LABELS
from models.quantise import quantise_checkpoint, written_windows
from models.training.configuration import SettingsError
from models.training.network import SentimentNetwork
from models.training.settings import load_settings
from models.weights import load_weights, locate

CARD = "README.md"
MOST_BYTES = 60_000_000
"""Of a weight file. The repository carries three; a larger one of your own passes with `--most-bytes`."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a manifest says beside what can be read from the network.

    Attributes:
        languages: BCP 47. max_tokens: of a window, special tokens included.
        temperatures: of the logits, `target` where a target was given and found, else `text`; above 1 softens.
        neutral_shifts: added to the logit of neutral before, by the same keys: where sets with and without targets mean
            different things by neutral, a network calls too much neutral where a target is given, or too little.
        threshold_negative: p(negative) from which a text counts as negative.
        trained_on: names of the data sets. licence: one sentence on what may be done with the weights.
    """

    name: str
    languages: tuple[str, ...] = ("en",)
    max_tokens: int = 128
    temperatures: Mapping[str, float] = field(default_factory=lambda: {"target": 1.0, "text": 1.0})
    threshold_negative: float = 0.5
    trained_on: tuple[str, ...] = ()
    licence: str = "Apache-2.0"
    neutral_shifts: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(CONDITIONS, 0.0))


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of an export.

    Attributes:
        size: bytes of the weight file. parameters: numbers in the network.
        slip: the most by which a logit of onnxruntime differs from torch's, on the same weights.
        rounding: the most by which storing in few bits moved a probability, on random ids.
    """

    size: int
    parameters: int
    slip: float
    rounding: float


def export_network(
    network: SentimentNetwork,
    tokenizer: Path,
    out: Path,
    description: Description,
    *,
    bits: int = 16,
    card: Path | None = None,
    most_bytes: int = MOST_BYTES,
) -> Exported:
    """Make the checkpoint folder `out` of a network and the tokenizer.json of its texts.

    Files of an older checkpoint there are replaced; its card stays if no new one is given.
    Raises: ExportError: the network is no BERT, is too large, or fits neither its tokenizer nor its graph.
    """
    state = {name: value.detach().float().cpu().numpy() for name, value in network.state_dict().items()}
    sizes = sizes_of(state, network.encoder.config.to_dict())
    _judge(description, sizes, tokenizer)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
        folder = Path(name)
        save_weights(state, folder / WEIGHTS, bits)
        size = (folder / WEIGHTS).stat().st_size
        if size > most_bytes:
            raise ExportError(
                f"{WEIGHTS} would have {size:,} bytes, more than {most_bytes:,}: export with --bits 8, train with "
                "fewer layers or a pruned vocabulary, or allow more with --most-bytes"
            )
        graph = build_graph(sizes, locate(folder / WEIGHTS), WEIGHTS)
        (folder / GRAPH).write_bytes(graph.SerializeToString(deterministic=True))
        shutil.copyfile(tokenizer, folder / TOKENIZER)
        stored = network_from(sizes, load_weights(folder / WEIGHTS))
        slip, rounding = compare(folder / GRAPH, stored, network_from(sizes, state), sizes)
        parameters = sum(value.size for value in state.values())
        manifest = _manifest(description, sizes, parameters, folder)
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        # The manifest comes last: until then its sums do not fit, and nobody serves half a checkpoint.
        load_manifest(folder)
        for file in (*FILES, MANIFEST):
            os.replace(folder / file, out / file)
        # It belonged to the checkpoint that was here before; `models.quantise` makes another.
        (out / INTEGER_GRAPH).unlink(missing_ok=True)
    if card is not None:
        shutil.copyfile(card, out / CARD)
    return Exported(size, parameters, slip, rounding)


def read_run(run: Path, backbone: Path) -> SentimentNetwork:
    """The network of a run with its best weights; its encoder came from the folder `backbone`. Raises: ExportError."""
    weights, config = run / "best.pt", backbone / "config.json"
    for path, remedy in ((weights, "let the run finish an epoch"), (config, "put the backbone back where it was")):
        if not path.exists():
            raise ExportError(f"{path} is missing: {remedy}")
    state = {name: value.float().numpy() for name, value in torch.load(weights, weights_only=True).items()}
    return network_from(sizes_of(state, json.loads(config.read_text(encoding="utf-8"))), state)


def load_torch(folder: Path) -> SentimentNetwork:
    """The network of a checkpoint folder, single precision, ready to answer. Raises: CheckpointError, ExportError."""
    return network_from(load_manifest(folder).architecture, load_weights(folder / WEIGHTS))


def _judge(description: Description, sizes: Architecture, tokenizer: Path) -> None:
    """Refuse what `load_manifest` would refuse, in the words of whoever exports, and a tokenizer that does not fit."""
    temperatures = description.temperatures
    if set(temperatures) != {"target", "text"} or not all(0.05 <= one <= 20 for one in temperatures.values()):
        raise ExportError('temperatures: two from 0.05 to 20 are needed, such as {"target": 1.1, "text": 1.2}')
    shifts = description.neutral_shifts
    if set(shifts) != set(CONDITIONS) or not all(abs(one) <= MOST_SHIFT for one in shifts.values()):
        raise ExportError(
            f"neutral_shifts: two from -{MOST_SHIFT:g} to {MOST_SHIFT:g} are needed, such as "
            '{"target": -0.4, "text": 0}'
        )
    if not 0 < description.threshold_negative < 1:
        raise ExportError(f"threshold_negative: {description.threshold_negative} is not between 0 and 1")
    if not 8 <= description.max_tokens <= sizes.positions:
        raise ExportError(f"max_tokens: {description.max_tokens} is not from 8 to {sizes.positions}, the encoder's own")
    if not tokenizer.exists():
        raise ExportError(f"{tokenizer} is missing: it must lie in the folder of the run's backbone")
    tokens = max(Tokenizer.from_file(str(tokenizer)).get_vocab().values()) + 1
    if tokens > sizes.vocabulary:
        raise ExportError(
            f"{tokenizer} knows {tokens:,} tokens, the network {sizes.vocabulary:,}: it belongs to another network"
        )


def _manifest(description: Description, sizes: Architecture, parameters: int, folder: Path) -> dict[str, Any]:
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    return {
        "format": FORMAT,
        "name": description.name,
        "languages": list(description.languages),
        "labels": list(LABELS),
        "architecture": asdict(sizes),
        "max_tokens": description.max_tokens,
        "temperatures": dict(description.temperatures),
        "neutral_shifts": dict(description.neutral_shifts),
        "threshold_negative": description.threshold_negative,
        "parameters": parameters,
        "files": sums,
        "trained_on": list(description.trained_on),
        "licence": description.licence,
    }


def read_pair(option: str, value: str) -> dict[str, float]:
    """Two numbers from JSON on the command line, or from a file that holds it. Raises: ExportError."""
    try:
        text = value if value.lstrip().startswith("{") else Path(value).read_text(encoding="utf-8")
        return {str(name): float(one) for name, one in json.loads(text).items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        remedy = 'give JSON such as {"target": 1.1, "text": 1.2}, or the name of a file that holds it'
        raise ExportError(f"{option} {value}: {remedy}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for a run or options that make no checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m models.export", description="Make a checkpoint of a run.")
    parser.add_argument("run", type=Path, help="folder that models.train wrote: best.pt and config.yaml")
    parser.add_argument("out", type=Path, help="folder of the checkpoint, made or renewed")
    parser.add_argument("--name", required=True, help="such as en-2026.11; stored with each score")
    parser.add_argument("--bits", type=int, choices=BITS, default=16, help="of a stored number; 8: of matrices only")
    parser.add_argument("--languages", nargs="+", metavar="TAG", help="the run's if not given")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="of a window when serving; the run's if not given")
    parser.add_argument("--temperatures", default='{"target": 1, "text": 1}', metavar="JSON", help="or a file of it")
    parser.add_argument("--neutral-shifts", default='{"target": 0, "text": 0}', metavar="JSON", help="or a file of it")
    parser.add_argument("--threshold-negative", type=float, default=0.5, metavar="P", help="negative from this P on")
    parser.add_argument("--trained-on", nargs="+", metavar="NAME", help="data sets; the run's if not given")
    parser.add_argument("--licence", default="Apache-2.0", help="what may be done with the weights")
    parser.add_argument("--card", type=Path, metavar="FILE", help="model card, copied to README.md")
    parser.add_argument("--most-bytes", type=int, default=MOST_BYTES, metavar="N", help="of the weight file")
    parser.add_argument("--no-integers", action="store_true", help="make no graph of 8-bit integers (models.quantise)")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings(options.run / "config.yaml")
        description = Description(
            name=options.name,
            languages=tuple(options.languages or (settings.lang,)),
            max_tokens=options.max_tokens or settings.max_tokens,
            temperatures=read_pair("--temperatures", options.temperatures),
            neutral_shifts=read_pair("--neutral-shifts", options.neutral_shifts),
            threshold_negative=options.threshold_negative,
            trained_on=tuple(options.trained_on or settings.sources),
            licence=options.licence,
        )
        made = export_network(
            read_run(options.run, settings.backbone),
            settings.backbone / TOKENIZER,
            options.out,
            description,
            bits=options.bits,
            card=options.card,
            most_bytes=options.most_bytes,
        )
        if not options.no_integers:
            windows = written_windows(options.out / TOKENIZER, description.languages, description.max_tokens)
            apart = quantise_checkpoint(options.out, windows)
            print(f"{options.out}: with integers probabilities differ by {apart:.4f} on average")
    except (ExportError, CheckpointError, SettingsError, DataError) as error:
        print(error, file=sys.stderr)
        return 2
    print(
        f"{options.out}: {made.parameters:,} parameters in {made.size:,} bytes; onnxruntime differs from torch by "
        f"{made.slip:.0e} in a logit, {options.bits} bits moved a probability by {made.rounding:.0e} on random ids"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
