"""The mean of runs' weights: `python -m models.training.blend RUN RUN... --out DIR [--shares .5 .5]`.

For runs of one shape of which one began with another's weights (`start`): their weights lie in one valley, and the mean
often answers better than either (Wortsman and others, Model soups, ICML 2022; Izmailov and others, SWA, UAI 2018). Runs
that began apart give nonsense. The folder that is made can be judged, exported and begun with as that of any run.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from models.training.configuration import SettingsError
from models.training.run import CONFIG
from models.training.settings import load_settings
from models.training.state import BEST, load, save


def blend(runs: Sequence[Path], shares: Sequence[float], out: Path) -> None:
    """Write the mean of the best weights, with the last run's configuration beside it.

    Args:
        shares: of each run, above 0; they are divided by their sum.
    Raises: SettingsError: a run has no weights, or they are of different shapes, or the development rows differ.
    """
    if len(runs) < 2 or len(shares) != len(runs) or min(shares) <= 0:
        raise SettingsError("--shares: give two runs at least, and for each a share above 0")
    states = [_weights(run) for run in runs]
    for run, state in zip(runs, states, strict=True):
        if {name: one.shape for name, one in state.items()} != {name: one.shape for name, one in states[-1].items()}:
            raise SettingsError(f"{run} holds a network of another shape than {runs[-1]}: they cannot be blended")
    if len({load_settings(run / CONFIG).development for run in runs}) > 1:
        raise SettingsError("development: the runs kept different rows; what one kept, another was trained on")
    total = sum(shares)
    mean: dict[str, Tensor] = {}
    for name, last in states[-1].items():
        parts = [state[name].double() * (share / total) for state, share in zip(states, shares, strict=True)]
        mean[name] = sum(parts[1:], parts[0]).to(last.dtype)
    out.mkdir(parents=True, exist_ok=True)
    save(out / BEST, mean)
    shutil.copyfile(runs[-1] / CONFIG, out / CONFIG)


def _weights(run: Path) -> dict[str, Tensor]:
    if not (run / BEST).exists() or not (run / CONFIG).exists():
        raise SettingsError(f"{run} holds no {BEST} and {CONFIG}; name the folder of a run that has ended")
    found: dict[str, Tensor] = load(run / BEST)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for runs that cannot be blended."""
    parser = argparse.ArgumentParser(prog="python -m models.training.blend", description="Mean of runs' weights.")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of models.train that began with one another")
    parser.add_argument("--out", type=Path, required=True, help="folder of the blend, as that of a run")
    parser.add_argument("--shares", type=float, nargs="+", help="of each run; equal ones if not given")
    options = parser.parse_args(arguments)
    try:
        blend(options.runs, options.shares or [1.0] * len(options.runs), options.out)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{options.out}: the mean of {', '.join(map(str, options.runs))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
