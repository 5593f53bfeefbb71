"""HuggingFaceScorer: somebody else's sequence-classification model, a FinBERT, say, by local folder or hub name.

It reads the text alone: such models were never shown a target, so every answer to a pair with one is marked. A long
text goes in as windows of sentences. torch and transformers are imported when a model is opened, and not before.
Deliberately left out: code of the model's own (never run), and batches: one text a time needs no padding, so that an
answer does not depend on its neighbours.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.checkpoint import CheckpointError
from models.labels import CUT, LABELS, NEGATIVE, NEUTRAL, POSITIVE, UNSUPPORTED_TARGET
from models.pooling import Probabilities, judgement, pool, shared_lexicon, softmax, unread
from models.scorer import Judgement, Pair
from models.text import MAX_CHARACTERS, MAX_WINDOWS, characters_of, sentences

_MEANINGS = {
    "negative": NEGATIVE,
    "neg": NEGATIVE,
    "bearish": NEGATIVE,
    "neutral": NEUTRAL,
    "neu": NEUTRAL,
    "positive": POSITIVE,
    "pos": POSITIVE,
    "bullish": POSITIVE,
}
_MOST_TOKENS = 512
"""Of a window. Some models allow more; a text of that length is better read in parts."""
_WEIGHT_FILES = ("*.safetensors", "*.bin")


def order_of(id2label: Mapping[Any, Any], where: str) -> tuple[int, ...]:
    """Which of a model's outputs is negative, neutral and positive, by the names that it gives them.

    Raises: CheckpointError: the names do not tell, or not all three are there.
    """
    names = [str(id2label[number]) for number in sorted(id2label, key=int)]
    meanings = [_MEANINGS.get(name.strip().lower()) for name in names]
    if len(names) != len(LABELS) or {*meanings} != {*range(len(LABELS))}:
        raise CheckpointError(
            f"{where}: its labels are {', '.join(names) or 'none'}; negative, neutral and positive are needed, each "
            "once (neg, neu, pos and bearish, bullish mean the same). If its makers name them elsewhere, write them "
            "into id2label of its config.json in the order of its outputs"
        )
    return tuple(meanings.index(label) for label in range(len(LABELS)))


class HuggingFaceScorer:
    """Scores texts with a sequence-classification model on the CPU."""

    def __init__(self, name_or_folder: str, threads: int | None = None) -> None:
        """Open a folder, or a hub name from the local cache, else from the hub. threads: torch's choice if not given.

        Raises: CheckpointError: it cannot be loaded, is another kind of model, or its labels cannot be mapped.
        """
        self._where = name_or_folder
        torch, transformers = _libraries(name_or_folder)
        if threads:
            torch.set_num_threads(threads)
        self._torch = torch
        config, self._tokenizer, self._model = _load(transformers, torch, name_or_folder)
        self._order = order_of(config.id2label, name_or_folder)
        self._limit = _limit(config, self._tokenizer)
        self._room = self._limit - self._tokenizer.num_special_tokens_to_add()
        self._silent = frozenset(self._tokenizer.all_special_ids)
        self._lexicon = shared_lexicon()
        version = _digest(Path(name_or_folder)) or str(getattr(config, "_commit_hash", None) or "unknown")
        self._name = f"{Path(name_or_folder).name}@{version[:8]}"

    @property
    def name(self) -> str:
        """The last part of its name and eight digits that tell its version: of its files, or of the hub's commit."""
        return self._name

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair, in order. Raises nothing for any text."""
        read: dict[str, tuple[Probabilities | None, bool]] = {}
        answers: dict[Pair, Judgement] = {}
        for pair in pairs:
            if pair in answers:
                continue
            if pair.text not in read:
                read[pair.text] = self._read(characters_of(pair.text))
            found, is_whole = read[pair.text]
            marks = {UNSUPPORTED_TARGET} if pair.target.strip() else set()
            if not is_whole:
                marks.add(CUT)
            floor = self._lexicon.score([pair])[0]
            answers[pair] = judgement(found, floor, frozenset(marks)) if found else unread(floor, frozenset(marks))
        return [answers[pair] for pair in pairs]

    def _read(self, text: str) -> tuple[Probabilities | None, bool]:
        """Probabilities of a text, None where it holds nothing that the model knows; and whether it was read whole."""
        windows, is_whole = self._windows(text)
        found: list[Probabilities] = []
        counts: list[int] = []
        for window in windows:
            inputs = self._tokenizer(window, truncation=True, max_length=self._limit, return_tensors="pt")
            ids: list[int] = inputs["input_ids"][0].tolist()
            if not self._silent.issuperset(ids):
                found.append(self._ask(inputs))
                counts.append(len(ids))
        return (pool(found, counts) if found else None), is_whole

    def _ask(self, inputs: Mapping[str, Any]) -> Probabilities:
        with self._torch.inference_mode():
            logits: list[float] = self._model(**inputs).logits[0].tolist()
        if not all(map(math.isfinite, logits)):
            raise CheckpointError(f"{self._where} gives answers that are not numbers: use another checkpoint")
        return softmax([logits[number] for number in self._order], 1.0)

    def _windows(self, text: str) -> tuple[list[str], bool]:
        """Pieces of a text that the model can read at once, and whether they are all of it."""
        is_whole = len(text) <= MAX_CHARACTERS
        text = text[:MAX_CHARACTERS]
        if self._count(text) <= self._room:
            return [text], is_whole
        windows: list[str] = []
        body, count = "", 0
        for start, end in sentences(text):
            for piece, more in self._pieces(text[start:end]):
                if body and count + more > self._room:
                    windows.append(body)
                    if len(windows) == MAX_WINDOWS:
                        return windows, False
                    body, count = "", 0
                body, count = f"{body} {piece}" if body else piece, count + more
        return [*windows, *filter(None, [body])], is_whole

    def _pieces(self, sentence: str) -> Iterator[tuple[str, int]]:
        """A sentence with its count of tokens, in halves of halves where no window can hold it."""
        count = self._count(sentence)
        if count <= self._room or len(sentence) < 2:
            yield sentence, count
            return
        middle = len(sentence) // 2
        space = sentence.find(" ", middle)
        at = space if 0 < space < len(sentence) - 1 else middle
        yield from self._pieces(sentence[:at])
        yield from self._pieces(sentence[at:])

    def _count(self, text: str) -> int:
        return len(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def _libraries(where: str) -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as error:
        raise CheckpointError(
            f"{where} needs {error.name}, which the slim set lacks: `make setup-full` installs it; or use a checkpoint "
            "of ours, such as `default`"
        ) from error
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return torch, transformers


def _load(transformers: Any, torch: Any, where: str) -> tuple[Any, Any, Any]:
    """Configuration, tokenizer and model, ready to answer."""
    try:
        try:
            return _load_parts(transformers, torch, where, local_files_only=True)
        except OSError:
            if Path(where).is_dir():
                raise
            return _load_parts(transformers, torch, where, local_files_only=False)
    except CheckpointError:
        raise
    except Exception as error:  # transformers passes on what its own parts and those of others raise.
        first = str(error).strip().partition("\n")[0]
        raise CheckpointError(
            f"{where} cannot be loaded ({first}): it must be a folder with config.json, weights and a tokenizer, or "
            "the name of such a model on the hub, and then be in the local cache or within reach"
        ) from error


def _load_parts(transformers: Any, torch: Any, where: str, *, local_files_only: bool) -> tuple[Any, Any, Any]:
    kept = {"local_files_only": local_files_only, "trust_remote_code": False}
    config = transformers.AutoConfig.from_pretrained(where, **kept)
    order_of(config.id2label, where)  # Before the weights: a download of gigabytes would be for nothing.
    if getattr(config, "problem_type", None) not in (None, "single_label_classification"):
        raise CheckpointError(
            f"{where}: its answers ({config.problem_type}) do not exclude each other: use another model"
        )
    tokenizer = transformers.AutoTokenizer.from_pretrained(where, **kept)
    rows = getattr(config, "vocab_size", None) or len(tokenizer)
    if not rows / 2 < len(tokenizer) <= rows:
        # Without its files transformers makes a tokenizer of five tokens, to which every text is unknown.
        raise CheckpointError(
            f"{where}: its tokenizer knows {len(tokenizer):,} tokens, the model {rows:,}: put its tokenizer files "
            "beside it"
        )
    model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
        where, output_loading_info=True, dtype=torch.float32, **kept
    )
    if report["missing_keys"]:
        # They would be drawn at random, and the answers with them.
        raise CheckpointError(
            f"{where} is no sequence-classification model: it lacks {', '.join(sorted(report['missing_keys'])[:3])}; "
            "name one that was fine-tuned for sentiment"
        )
    return config, tokenizer, model.eval()


def _limit(config: Any, tokenizer: Any) -> int:
    """Tokens of a window, special ones included."""
    positions = getattr(config, "max_position_embeddings", None)
    # Two are lost where positions begin behind the padding's number, as in RoBERTa.
    known = positions - 2 if isinstance(positions, int) and positions > 2 else _MOST_TOKENS
    return int(min(known, tokenizer.model_max_length, _MOST_TOKENS))


def _digest(folder: Path) -> str:
    """Hash of a folder's weight files, empty where there is no folder."""
    digest = hashlib.sha256()
    paths = sorted(path for pattern in _WEIGHT_FILES for path in folder.glob(pattern))
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest() if paths else ""
