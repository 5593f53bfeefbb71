"""Rotation: where a file's earlier contents went when it was renamed, copied away or compressed.

Looks only into the file's own directory. Recognises by inode and content first; a name alone is believed only to find
the files that came between two known ones.
"""

import os
import re
from collections.abc import Sequence

from monitor.transports.positions import HEAD_BYTES, Position, go_to
from monitor.transports.streams import OpenFile, open_file

PROVING_HEAD_BYTES = 256
"""A head as long as a post holds an id or a time; a shorter one may be a fixed beginning of every record."""


def is_same_file(file: OpenFile, position: Position) -> bool:
    """Bring an open file to a position; False when it is not the very file, by inode and content, that was marked.

    What is False here and in `is_same_content` leaves the file at its beginning. Raises: OSError.
    """
    return (file.device, file.inode) == (position.device, position.inode) and _go_to(file, position)


def is_same_content(file: OpenFile, position: Position) -> bool:
    """Bring any open file to a position; False when it does not hold what was marked.

    The few first bytes of a file just begun are like those of every other, so they prove nothing: it takes a record
    before the position, or more of a head. Raises: OSError.
    """
    return (position.tail_bytes > 0 or position.head_bytes >= PROVING_HEAD_BYTES) and _go_to(file, position)


def find_renamed(path: str, position: Position) -> OpenFile | None:
    """The marked file itself under another name, opened at the position. Raises: OSError: the directory is closed."""
    for name, inode in _neighbours(path):
        if inode == position.inode:
            file = _open_beside(path, name)
            if file is not None:
                if is_same_file(file, position):
                    return file
                file.close()
    return None


def find_copy(path: str, position: Position) -> OpenFile | None:
    """A file beside `path`, with its name and more, that holds what was marked. Raises: OSError: as above."""
    own_name = os.path.basename(path)
    for name, _ in sorted(_neighbours(path)):
        if name != own_name and name.startswith(own_name):
            file = _open_beside(path, name)
            if file is not None:
                if is_same_content(file, position):
                    return file
                file.close()
    return None


def find_missed(path: str, since_ns: int, known_heads: Sequence[bytes]) -> list[OpenFile]:
    """The rotated files that came after one last written at `since_ns` and before the one now at `path`, oldest first.

    They are there when a file was rotated more than once while nobody looked. `known_heads` are the beginnings of files
    that were read already: a compressed copy of one of them is no new file. Raises: OSError: the directory cannot be
    read.
    """
    rotated = re.compile(re.escape(os.path.basename(path)) + r"[.\-_]\d[\w.:\-]*")
    current_inode = _inode(path)
    missed: list[tuple[int, str, OpenFile]] = []
    for name, inode in _neighbours(path):
        if inode == current_inode or rotated.fullmatch(name) is None:
            continue
        file = _open_beside(path, name)
        if file is None:
            continue
        # A tie counts as later: to read a file twice does no harm (the same document counts once), to miss one does.
        modified_ns = file.status().st_mtime_ns
        if modified_ns >= since_ns and not _begins_like(file, known_heads):
            missed.append((modified_ns, name, file))
        else:
            file.close()
    missed.sort(key=lambda one: one[:2])
    return [file for _, _, file in missed]


def _go_to(file: OpenFile, position: Position) -> bool:
    if go_to(file.stream, position):
        return True
    file.rewind()
    return False


def _begins_like(file: OpenFile, known_heads: Sequence[bytes]) -> bool:
    head = file.stream.peek_start(HEAD_BYTES)
    return not head or any(known and head.startswith(known) for known in known_heads)


def _neighbours(path: str) -> list[tuple[str, int]]:
    try:
        with os.scandir(os.path.dirname(path) or ".") as entries:
            return [(entry.name, entry.inode()) for entry in entries]
    except FileNotFoundError:
        return []


def _open_beside(path: str, name: str) -> OpenFile | None:
    try:
        return open_file(os.path.join(os.path.dirname(path), name))
    except OSError:
        # Directories, other people's files, files that went away since the listing: none of them is ours to read.
        return None


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None
