"""TransformerScorer: a checkpoint of ours, served. Order of events: texts -> windows -> logits -> one judgement each.

Equal questions are asked once, even where they only become equal on the way: a target that the text does not name
leaves the same windows as no target. Which phrases moved a score, and which kind of risk it is about, the lexicon
tells. Deliberately left out: which language a text is in (`routed.py`).
"""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from models.checkpoint import TOKENIZER, CheckpointError, Manifest, load_manifest
from models.labels import CUT, UNSUPPORTED_TARGET
from models.pooling import judgement, pool, shared_lexicon, softmax, unread
from models.scorer import Judgement, Pair
from models.session import Session, usable_cores
from models.text import Encoded, TextEncoder, Window


class TransformerScorer:
    """Scores pairs with a trained network; some milliseconds for a headline.

    Attributes:
        manifest: what the checkpoint says of itself.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        """Open a checkpoint folder. threads: as many as there are cores if not given.

        Raises: CheckpointError: a file is missing, damaged, or does not fit the others.
        """
        self.manifest: Manifest = load_manifest(folder)
        self._encoder, self._silent = _open_tokenizer(folder, self.manifest)
        self._session = Session(folder, threads or usable_cores())
        self._lexicon = shared_lexicon()

    @property
    def name(self) -> str:
        """The checkpoint's name and eight digits of the hash of its weights."""
        return self.manifest.version

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair, in order. Raises nothing for any text."""
        encoded: dict[tuple[str, str], Encoded] = {}
        windows: dict[Window, tuple[float, ...]] = {}
        for pair in pairs:
            key = pair.text, pair.target
            if key not in encoded:
                encoded[key] = self._encoder.encode(*key)
                windows.update((one, ()) for one in encoded[key].windows if not self._silent.issuperset(one.ids))
        for window, row in zip(windows, self._session.logits(list(windows)).tolist(), strict=True):
            windows[window] = tuple(row)
        answers: dict[Pair, Judgement] = {}
        for pair in pairs:
            if pair not in answers:
                answers[pair] = self._judge(pair, encoded[pair.text, pair.target], windows)
        return [answers[pair] for pair in pairs]

    def _judge(self, pair: Pair, encoded: Encoded, logits: dict[Window, tuple[float, ...]]) -> Judgement:
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
