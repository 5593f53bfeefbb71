"""Resolve: the values that the sources give to the options, judged one by one and in pairs, all faults together."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from monitor.errors import ConfigError
from monitor.options.fault import Fault, Misfit
from monitor.options.option import Option
from monitor.options.pairs import Rule
from monitor.options.sources import Sources

SECRETS_DIR = "secrets_dir"


def resolve(sources: Sources, options: Mapping[str, Option[object]], pairs: Iterable[Rule]) -> dict[str, object]:
    """The value of every option by path: what is given, else the default.

    Raises: ConfigError: with every fault of the sources, of single values and of pairs.
    """
    values = {path: option.default for path, option in options.items()}
    faults: list[Fault] = []
    unusable: set[str] = set()
    # The directory of secrets is itself an option: it comes first, because it holds others.
    for path in sorted(options, key=lambda name: name != SECRETS_DIR):
        if path in sources.given:
            try:
                values[path] = options[path].kind.read(sources.given[path])
            except Misfit as misfit:
                unusable.add(path)
                places = [fault._replace(path=path + fault.path) for fault in misfit.faults]
                faults += [fault.given_in(sources.origin(fault.path)) for fault in places]
        directory = values[path]
        if path == SECRETS_DIR and isinstance(directory, Path):
            sources.add_secret_files(directory)
    for pair in pairs:
        fault = None if unusable.intersection(pair.paths) else pair.judge(values, options)
        if fault is not None:
            origins = dict.fromkeys(filter(None, map(sources.origin, pair.paths)))
            faults.append(fault.given_in(", ".join(origins)))
    if sources.faults or faults:
        raise ConfigError(*(fault.sentence() for fault in (*sources.faults, *faults)))
    return values


def judge(values: Mapping[str, object], options: Mapping[str, Option[object]], pairs: Iterable[Rule]) -> list[Fault]:
    """Every fault of values that code has put together."""
    faults = []
    for path, option in options.items():
        try:
            option.kind.check(values[path])
        except Misfit as misfit:
            faults += [fault._replace(path=path + fault.path) for fault in misfit.faults]
    unusable = {fault.path.partition("[")[0] for fault in faults}
    for pair in pairs:
        fault = None if unusable.intersection(pair.paths) else pair.judge(values, options)
        faults += [] if fault is None else [fault]
    return faults
