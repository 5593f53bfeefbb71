"""TransformerScorer: a checkpoint of ours, served. Order of events: texts -> windows -> logits -> one judgement each.

Equal questions are asked once, even where they only become equal on the way: a target that the text does not name
leaves the same windows as no target. What was asked lately is remembered. Which phrases moved a score, and which kind
of risk it is about, the lexicon tells. Deliberately left out: which language a text is in (`routed.py`), and how a
network is run (`serving/`).
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from models.checkpoint import TOKENIZER, CheckpointError, Manifest, load_manifest
from models.labels import CUT, UNSUPPORTED_TARGET
from models.pooling import judgement, pool, shared_lexicon, softmax, unread
from models.scorer import Judgement, Pair
from models.serving.cache import ScoreCache
from models.serving.choose import choose
from models.serving.engine import Logits, ScoringEngine
from models.serving.errors import Unscorable
from models.serving.onnx import FLOAT32
from models.serving.stats import ScoringStats
from models.serving.threads import usable_cores
from models.serving.wanted import ANYTHING, Wanted
from models.text import Encoded, TextEncoder, Window


class TransformerScorer:
    """Scores pairs with a trained network; some milliseconds for a headline.

    Attributes:
        manifest: what the checkpoint says of itself. stats: what was computed since it was opened.
    """

    def __init__(
        self,
        folder: Path,
        threads: int | None = None,
        wanted: Wanted = ANYTHING,
        stats: ScoringStats | None = None,
    ) -> None:
        """Open a checkpoint folder.

        threads: as many as there are cores if not given. wanted: who computes. stats: counted in; its own if not given.
        Raises: CheckpointError: a file is missing, damaged, or does not fit the others, or what is wanted is not here.
        """
        self.manifest: Manifest = load_manifest(folder)
        self.stats = stats or ScoringStats()
        self._encoder, self._silent = _open_tokenizer(folder, self.manifest)
        backend = choose(folder, self.manifest, threads or usable_cores(), wanted, self.stats)
        self._engine = ScoringEngine(backend, self.stats)
        self._lexicon = shared_lexicon()
        self._cache = ScoreCache()
        self._is_proven = False

    @property
    def name(self) -> str:
        """The checkpoint's name and eight digits of the hash of its weights; and who computes, where that rounds."""
        if self.backend == FLOAT32:
            return self.manifest.version
        return f"{self.manifest.version}/{self.backend.partition('-')[2]}"

    @property
    def backend(self) -> str:
        """Library, precision and device of who computes."""
        return self._engine.backend.name

    @property
    def precision(self) -> str:
        """Of who computes, as `Wanted.precision` names it."""
        return self.backend.split("-")[1]

    @property
    def is_on_processor(self) -> bool:
        """Whether no GPU computes, whatever was wanted."""
        return not self.backend.endswith("-cuda")

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair, in order.

        Raises: Unscorable: some pairs cannot be scored; the answers of the others are remembered. DeviceLost: the
            process must end. CheckpointError: no pair can be scored, and that is the network's fault.
        """
        started = time.perf_counter()
        try:
            return self._score(pairs)
        finally:
            self.stats.seconds += time.perf_counter() - started

    def _score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        answers: dict[Pair, Judgement] = {}
        for pair in dict.fromkeys(pairs):
            found = self._cache.get(pair)
            if found is not None:
                answers[pair] = found
        new = [pair for pair in dict.fromkeys(pairs) if pair not in answers]
        self.stats.cache_hits += len(answers)
        self.stats.cache_misses += len(new)
        failures = self._score_new(new, answers)
        if failures:
            first = next(iter(failures.values()))
            # A network that has answered others is sound: what it cannot answer alone is that text's own fault.
            is_texts_fault = len(failures) < len(new) or (len(new) == 1 and self._is_proven)
            if isinstance(first, CheckpointError) and not is_texts_fault:
                raise first
            numbers = tuple(number for number, pair in enumerate(pairs) if pair in failures)
            raise Unscorable(numbers, " ".join(str(first).split()) or type(first).__name__) from first
        return [answers[pair] for pair in pairs]

    def forget(self) -> None:
        """Remember no answer from here on."""
        self._cache.clear()
        self._engine.forget()

    def close(self) -> None:
        """Give back threads and memory."""
        self._engine.close()

    def _score_new(self, pairs: Sequence[Pair], answers: dict[Pair, Judgement]) -> dict[Pair, Exception]:
        """Judge pairs into `answers`, and say which cannot be judged, and why."""
        questions = list(dict.fromkeys((pair.text, pair.target) for pair in pairs))
        encoded = dict(zip(questions, self._encoder.encode_all(questions), strict=True))
        windows = (
            window for one in encoded.values() for window in one.windows if not self._silent.issuperset(window.ids)
        )
        logits: dict[Window, Logits] = {}
        spoilt: dict[Window, Exception] = {}
        for window, found in self._engine.answer(list(windows)).items():
            if isinstance(found, Exception):
                spoilt[window] = found
            else:
                logits[window] = found
        self._is_proven = self._is_proven or bool(logits)
        failures: dict[Pair, Exception] = {}
        for pair in pairs:
            one = encoded[pair.text, pair.target]
            error = next((spoilt[window] for window in one.windows if window in spoilt), None)
            if error is not None:
                failures[pair] = error
                continue
            answers[pair] = self._judge(pair, one, logits)
            self._cache.put(pair, answers[pair])
        return failures

    def _judge(self, pair: Pair, encoded: Encoded, logits: Mapping[Window, Logits]) -> Judgement:
        marks = set()
        if not encoded.is_supported:
            marks.add(UNSUPPORTED_TARGET)
        if not encoded.is_whole:
            marks.add(CUT)
        floor = self._lexicon.score([pair])[0]
        # What holds nothing but unknown tokens would pull the answer towards whatever the network says to noise.
        read = [window for window in encoded.windows if window in logits]
        if not read:
            return unread(floor, frozenset(marks))
        is_about_target = bool(pair.target.strip()) and encoded.is_supported
        condition = "target" if is_about_target else "text"
        scale = self.manifest.temperatures[condition], self.manifest.neutral_shifts[condition]
        found = pool([softmax(logits[one], *scale) for one in read], [len(one.ids) for one in read])
        return judgement(found, floor, frozenset(marks))


def _open_tokenizer(folder: Path, manifest: Manifest) -> tuple[TextEncoder, frozenset[int]]:
    """The encoder of texts, and the ids that say nothing: special and unknown tokens."""
    path = folder / TOKENIZER
    try:
        tokenizer = Tokenizer.from_file(str(path))
        encoder = TextEncoder(tokenizer, manifest.max_tokens)
    except Exception as error:  # The library raises plain Exception.
        raise CheckpointError(f"{path} is of no use as a tokenizer ({error}): export the checkpoint again") from error
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    if max(vocabulary.values()) >= manifest.architecture.vocabulary:
        raise CheckpointError(
            f"{path} knows {max(vocabulary.values()) + 1:,} tokens and the network "
            f"{manifest.architecture.vocabulary:,}: it belongs to another network; export the checkpoint again"
        )
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<pad>", "<unk>", "<s>", "</s>", "<mask>")
    return encoder, frozenset(special | {vocabulary[name] for name in names if name in vocabulary})
