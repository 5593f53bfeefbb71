"""Sources: where the values of options come from. A YAML file, the environment, the command line, mounted secret files.

Each source that is added stands above those before it, option by option. Faults are collected, never raised, so that a
person sees all of them at once. Judges no value: resolve.py does, with each option's kind.
"""

from collections.abc import Mapping
from pathlib import Path

from monitor.options.fault import Fault, closest, nearest, type_word
from monitor.options.option import Option
from monitor.options.yaml_tree import read_yaml

PREFIX = "MONITOR_"
_MAX_FILE_BYTES = 1 << 20
"""A configuration has some kilobytes; above this it is another file, a feed perhaps, that takes minutes to read."""
_MAX_SECRET_BYTES = 1 << 16


class Sources:
    """What was given for each option, by path, and where; with every fault and warning met on the way.

    Attributes:
        given: raw values by option path. faults: unusable files and unknown keys, with where they are.
        warnings: one sentence each; nothing that keeps the monitor from starting.
    """

    def __init__(self, options: Mapping[str, Option[object]]) -> None:
        self.given: dict[str, object] = {}
        self.faults: list[Fault] = []
        self.warnings: list[str] = []
        self._options = options
        self._origins: dict[str, str] = {}

    def origin(self, path: str) -> str:
        """Where the value at a path inside an option, such as `trend.windows[1].hop`, was given; empty if nowhere."""
        while path not in self._origins:
            cut = max(path.rfind("."), path.rfind("["))
            if cut < 0 or path in self._options:
                return ""
            path = path[:cut]
        return self._origins[path]

    def add_file(self, path: Path) -> None:
        """Take the options of a YAML file of sections."""
        text = self._read(path, _MAX_FILE_BYTES, "a configuration", "is this the right file?")
        if text is None:
            return
        tree = read_yaml(text, path.name)
        self.faults += tree.faults
        for path_in_file, line in tree.lines.items():
            self._origins[path_in_file] = f"{path.name} line {line}"
        if not isinstance(tree.value, dict):
            if tree.value is not None:
                self._fault(str(path), f"holds {type_word(tree.value)} where sections should be", "write `section:`")
            return
        for key, value in tree.value.items():
            if key in self._options and "." in key:
                section, _, inner = key.partition(".")
                self._fault(key, "is a path where a section should be", f"write {inner} below `{section}:`, indented")
            elif key in self._options:
                self._give(key, value)
            elif key in self._sections():
                self._add_section(key, value)
            else:
                self._fault(key, "is no known section", nearest(key, self._sections()))
        for secret in self.given:
            if self._options[secret].kind.is_secret() and self.given[secret] is not None:
                self.warnings.append(
                    f"{secret}: a secret stands in {path.name}, which many can read; move it to a file of secrets_dir"
                )

    def add_environment(self, environ: Mapping[str, str]) -> None:
        """Take MONITOR_<SECTION>__<KEY>; lists are YAML in brackets, and an empty value is null.

        A name that other tools know too (SLACK_WEBHOOK_URL) gives its option where our own name does not.
        """
        names = {also: path for path, option in self._options.items() for also in option.also}
        names |= {variable(path): path for path in self._options}
        for name in sorted(environ, key=lambda name: (name.startswith(PREFIX), name)):
            if name in names:
                self._set(names[name], environ[name], name)
            elif name.startswith(PREFIX) and "__" in name:
                self._fault(name, "is a variable for no option", nearest(name.upper(), names))
            else:
                # Kubernetes itself sets names like MONITOR_SERVER_PORT for a service, so this cannot be a fault.
                meant = [known for known in names if known.replace("__", "_") == name]
                self.warnings += [f"{name}: has no effect; the option is {known}" for known in meant]

    def add_secret_files(self, directory: Path) -> None:
        """Take the file of each secret option, named like its path; other files there are not ours to judge."""
        secrets = [path for path, option in self._options.items() if option.kind.is_secret()]
        try:
            # Kubernetes keeps hidden links such as ..data beside the secrets.
            present = sorted(entry.name for entry in directory.iterdir() if not entry.name.startswith("."))
        except OSError as error:
            self._fault(
                "secrets_dir", f"{directory} cannot be read: {error.strerror}", "mount it, or take the key away"
            )
            return
        for name in present:
            if name not in secrets:
                self.warnings.append(f"secrets_dir: the file {name} is for no secret option; {nearest(name, secrets)}")
                continue
            text = self._read(directory / name, _MAX_SECRET_BYTES, "a secret", "write only the secret into it", name)
            if text is None:
                continue
            text = text.removesuffix("\n").removesuffix("\r")
            if not text:
                self._fault(name, f"the secret file {directory / name} is empty", "write the secret into it")
                continue
            self._give(name, text)
            self._origins[name] = f"secret file {directory / name}"

    def add_command_line(self, values: Mapping[str, object]) -> None:
        """Take values by option path, as YAML would hold them; never a secret, which other users could see."""
        for path, value in values.items():
            assert path in self._options and not self._options[path].kind.is_secret(), path
            self._give(path, value)
            self._origins[path] = "command line"

    def _set(self, path: str, written: str, name: str) -> None:
        raw: object = written
        kind = self._options[path].kind
        if not written:
            raw = None
        elif not kind.takes_text():
            tree = read_yaml(written, name)
            if tree.faults:
                self.faults += [fault._replace(path=path).given_in(name) for fault in tree.faults]
                return
            raw = tree.value
        self._give(path, raw)
        self._origins[path] = name

    def _give(self, path: str, value: object) -> None:
        # What an earlier source said about the lines inside no longer holds.
        if path in self.given:
            inside = [known for known in self._origins if known.startswith((f"{path}[", f"{path}."))]
            for known in inside:
                del self._origins[known]
        self.given[path] = value

    def _add_section(self, section: str, content: object) -> None:
        if content is None:
            return  # every line under it is commented out
        if not isinstance(content, dict):
            self._fault(
                section, f"is {type_word(content)} where a section should be", "write its keys below it, indented"
            )
            return
        known = [path.partition(".")[2] for path in self._options if path.startswith(f"{section}.")]
        for key, value in content.items():
            path = f"{section}.{key}"
            if path in self._options:
                self._give(path, value)
                continue
            elsewhere = [other for other in self._options if other.partition(".")[2] == key]
            meant = elsewhere[0] if elsewhere and closest(key, known) is None else None
            self._fault(path, "is no known key", f"did you mean {meant}?" if meant else nearest(key, known))

    def _sections(self) -> list[str]:
        return list(dict.fromkeys(path.partition(".")[0] for path in self._options))

    def _read(self, path: Path, most_bytes: int, what: str, remedy: str, option: str = "") -> str | None:
        """The text of a file, or None with a fault."""
        place = option or str(path)
        try:
            with path.open("rb") as file:
                content = file.read(most_bytes + 1)
        except OSError as error:
            problem = f"the file {path} cannot be read: {error.strerror}"
            self._fault(place, problem, "give a file that exists and may be read")
            return None
        if len(content) > most_bytes:
            self._fault(place, f"the file {path} has over {most_bytes} bytes, too many for {what}", remedy)
            return None
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self._fault(place, f"the file {path} is not UTF-8 in line {line}", "save it as UTF-8")
            return None

    def _fault(self, path: str, problem: str, remedy: str) -> None:
        self.faults.append(Fault(path, problem, remedy).given_in(self._origins.get(path, "")))


def variable(path: str) -> str:
    """The environment variable of an option: MONITOR_SCORER__KIND of scorer.kind."""
    return PREFIX + path.upper().replace(".", "__")
