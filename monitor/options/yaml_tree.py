"""YAML text as a tree of plain values, with the line of each, and with every fault that plain YAML readers pass over.

Stricter than YAML where people fall into it: a key given twice, an alias, a tag, `010` read as 8 and `1:30` read as 90
are faults or text. Messages never quote a value, because it may be a secret.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from monitor.options.fault import Fault

_FLOAT_TAG = "tag:yaml.org,2002:float"
_EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")  # YAML 1.1 takes `1e-3` for text
_SPELT_BOOLS = {"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False}
_QUOTED = re.compile(r"\s'(?!<)[^']{2,}'(?=\s|$)")  # of the library's messages: the part that may hold a value


class _Loader(yaml.SafeLoader):
    pass


class _Dumper(yaml.SafeDumper):
    pass


for _side in (_Loader, _Dumper):
    _side.add_implicit_resolver(_FLOAT_TAG, _EXPONENT, list("-+0123456789"))


@dataclass(slots=True)
class YamlTree:
    """What was read.

    Attributes:
        value: mappings with text keys, lists and scalars; None of an empty text.
        lines: line, from 1, of every value by its path, such as `trend.windows[1].hop`.
        faults: what is wrong with the text as YAML; `value` holds what could be read in spite of them.
    """

    value: object = None
    lines: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read_yaml(text: str, name: str) -> YamlTree:
    """Read one YAML document; raises nothing. `name` says in faults where the text is from."""
    tree = YamlTree()
    try:
        root = yaml.compose(text, _Loader)
        if root is not None:
            tree.value = _Builder(tree, name).build(root, "")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}" if mark else ""
        problem = _QUOTED.sub("", " ".join((error.problem or error.context or "cannot be read").split()))
        tree.faults.append(Fault(f"{name}{line}", f"no valid YAML: {problem}", "correct the line or the one above it"))
    except yaml.reader.ReaderError as error:
        line = f" line {text.count(chr(10), 0, error.position) + 1}"
        tree.faults.append(Fault(f"{name}{line}", "holds a character that YAML does not allow", "remove it"))
    except RecursionError:
        tree.faults.append(Fault(name, "is nested too deeply", "two levels are enough for every option"))
    return tree


def write_yaml(value: object) -> str:
    """YAML text that `read_yaml` reads as the same value."""
    written = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    assert isinstance(written, str)
    return written


class _Builder:
    """Turns the library's nodes into plain values."""

    def __init__(self, tree: YamlTree, name: str) -> None:
        self._tree = tree
        self._name = name
        self._seen: set[int] = set()

    def build(self, node: yaml.Node, path: str) -> object:
        # An alias gives the same node again: refusing it ends loops and texts that multiply themselves.
        if id(node) in self._seen:
            return self._fault(node, path, "is an alias, which is not supported here", "write the value out")
        self._seen.add(id(node))
        self._tree.lines[path] = _line(node)
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return dict(self._entries(node, path))
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.build(item, f"{path}[{index}]") for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        return self._fault(node, path, "has a tag, which is not supported here", "remove the word with the !")

    def _entries(self, node: yaml.MappingNode, path: str) -> Iterator[tuple[str, object]]:
        first_lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, path, "has a key that is no word", "use the names of docs/config.md")
                continue
            key = key_node.value
            key_path = f"{path}.{key}" if path else key
            if key in first_lines:
                where = f"{self._name}, lines {first_lines[key]} and {_line(key_node)}"
                self._tree.faults.append(Fault(key_path, f"is there twice ({where})", "keep one of them"))
                continue
            first_lines[key] = _line(key_node)
            yield key, self.build(value_node, key_path)

    def _scalar(self, node: yaml.ScalarNode, path: str) -> object:
        kind, text = node.tag.removeprefix("tag:yaml.org,2002:"), node.value
        try:
            match kind:
                case "null":
                    return None
                case "bool":
                    return _SPELT_BOOLS[text.lower()]
                case "int":
                    return int(text)
                case "float":
                    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
                case "str" | "timestamp" | "value" | "merge":
                    return str(text)
        except (ValueError, KeyError):
            return str(text)  # `1:30` and `0x10`: a number for YAML 1.1 only
        return self._fault(node, path, "has a tag, which is not supported here", "remove the word with the !")

    def _fault(self, node: yaml.Node, path: str, problem: str, remedy: str) -> object:
        """Note a fault; what stands in the value's place is None."""
        where = f"{self._name} line {_line(node)}"
        self._tree.faults.append(Fault(path or where, f"{problem} ({where})" if path else problem, remedy))
        return None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
