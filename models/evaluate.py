"""Judge scorers on labelled data: `python -m models.evaluate --data DIR [--scorer NAME,...] [--out DIR]`.

Tables go to standard output, and one line of JSON last: accuracy, F1 and the like by data set and scorer. With --out
everything else is kept as well: `report.json`, and pictures of confusion, reliability and abstention. What each figure
means stands in docs/evaluation.md.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from models.corpus.rows import DataError
from models.evaluation.answers import RememberingScorer
from models.evaluation.bootstrap import RESAMPLES
from models.evaluation.examiner import Examiner, Posed
from models.evaluation.leave_out import LeftOut, leave_out_network, leave_out_tfidf
from models.evaluation.lineup import TRAINED_HERE, keys, needs_training_rows, open_scorer
from models.evaluation.material import DEVELOPMENT_RATIO, Material
from models.evaluation.probes import read_probes
from models.evaluation.replay_posts import read_posts, replay_set
from models.evaluation.report import Differences, Findings
from models.evaluation.table import sections

BEFORE = "before"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for data or a scorer that cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        _evaluate(options)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _evaluate(options: argparse.Namespace) -> None:
    names = keys(options.scorer)
    if options.before:
        names[BEFORE] = options.before
    trained = [key for key, name in names.items() if needs_training_rows(name)]
    if options.all and (trained or options.leave_one_out is not None):
        who = ", ".join(trained) or "--leave-one-out"
        raise DataError(f"--all judges rows that {who} is trained on: use --development")
    is_masked = not options.unmasked
    ratio = None if options.all else options.development
    material = Material(options.data, options.sets, options.merged, is_masked, ratio, options.sample)
    judged = material.judged()
    posts = read_posts() if options.replay else []
    posed = Posed(
        judged,
        options.seed,
        options.resamples,
        options.threshold,
        {} if options.no_probes else read_probes(),
        tuple(posts),
        replay_set(posts, options.replay) if options.replay else None,
    )
    examiner = Examiner(posed)
    scorers = {
        key: RememberingScorer(open_scorer(name, material.training, ratio, options.threads), key)
        for key, name in names.items()
    }
    reports = {key: examiner.report(scorer) for key, scorer in scorers.items()}
    findings = Findings(reports, _differences(examiner, scorers), _left_out(options, material))
    for title, text in sections(findings).items():
        print(f"{title}\n{text}\n" if title else f"{text}\n")
    if options.out:
        from models.evaluation.output import keep

        keep(findings, options.out, {"development": ratio, "seed": options.seed, "resamples": options.resamples})
    print(json.dumps(findings.short()))


def _differences(examiner: Examiner, scorers: Mapping[str, RememberingScorer]) -> Differences:
    """Every scorer against the one before fine-tuning, and the last named one against the others."""
    found: Differences = {}
    keys = [key for key in scorers if key != BEFORE]
    pairs = [(keys[-1], key) for key in keys[:-1]]
    if BEFORE in scorers:
        pairs += [(key, BEFORE) for key in keys]
    for one, other in pairs:
        found[f"{one} - {other}"] = examiner.differences(scorers[one], scorers[other])
    return found


def _left_out(options: argparse.Namespace, material: Material) -> dict[str, list[LeftOut]]:
    if options.leave_one_out is None:
        return {}
    if options.leave_one_out == TRAINED_HERE:
        return {TRAINED_HERE: leave_out_tfidf(material.judged(), material.training())}
    config = Path(options.leave_one_out)
    if not options.out:
        raise DataError(f"--leave-one-out {config} starts training runs: say with --out where they go")
    return {
        config.stem: leave_out_network(config, options.out / "leave_one_out", material.judged(), options.development)
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.evaluate", description="Judge scorers on labelled texts.")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the data sets, *.jsonl.gz, *.jsonl or *.csv"
    )
    parser.add_argument(
        "--scorer",
        type=_list,
        default=["lexicon", "neutral"],
        metavar="NAME,...",
        help="lexicon, neutral, tfidf, default, commercial, a folder (checkpoint, training run, model of any make), a "
        "hub name; lexicon,neutral if not given",
    )
    parser.add_argument("--before", metavar="FOLDER", help="what was fine-tuned; every scorer is compared with it")
    parser.add_argument("--sets", type=_list, default=[], metavar="NAME,...", help="these data sets only")
    parser.add_argument(
        "--merged", type=_list, default=[], metavar="NAME,...", help='sets whose neutral is "not negative"'
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--development",
        type=_ratio,
        default=DEVELOPMENT_RATIO,
        metavar="RATIO",
        help=f"judge the rows that a run of this ratio was not trained on; {DEVELOPMENT_RATIO} if not given",
    )
    which.add_argument("--all", action="store_true", help="judge every row: for scorers that were trained on none")
    parser.add_argument("--unmasked", action="store_true", help="answers that a set cannot hold are allowed, and wrong")
    parser.add_argument("--sample", type=int, metavar="N", help="about N rows of each set, for a quick look")
    parser.add_argument("--threshold", type=float, help="on p(negative), in place of one chosen on these rows")
    parser.add_argument(
        "--replay", type=Path, metavar="DIR", help="folder of the stream whose posts are labelled by hand"
    )
    parser.add_argument("--no-probes", action="store_true", help="leave our own sentences out")
    parser.add_argument(
        "--leave-one-out",
        nargs="?",
        const=TRAINED_HERE,
        metavar="CONFIG",
        help="each source by a tf-idf that never saw it; with a training configuration by runs that it starts",
    )
    parser.add_argument("--seed", type=int, default=1, help="of resamples and invented names")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help="of the bootstrap")
    parser.add_argument("--threads", type=int, help="of checkpoints; as many as there are cores if not given")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where report.json and the pictures go")
    return parser


def _list(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _ratio(text: str) -> float:
    ratio = float(text)
    if not 0 < ratio < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return ratio


if __name__ == "__main__":
    sys.exit(main())
