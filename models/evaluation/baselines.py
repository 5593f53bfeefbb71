"""Tf-idf and logistic regression: what a model of a few seconds makes of the same training rows.

Two regressions stand in for one of three labels, because sets lack classes: negative against the rest is learnt from
every set, positive against neutral only from those in which both mean what they say. Mentions of the target become one
word, as the network reads them, so that no name is learnt.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from models.corpus.rows import Row
from models.evaluation.answers import UNLIKE, LabelledSet
from models.evaluation.metrics import BoolArray, FloatArray, IntArray
from models.labels import NEGATIVE, NO_RISK, POSITIVE
from models.scorer import Judgement, Pair
from models.text import find_mentions, normalise

_TARGET = "targetmention"
_WORDS = 200_000
_INVERSE_PENALTY = 5.0  # From 2 to 10 the mean F1 of the three English sets moves by less than .01.
_MANY = 1_000  # From here on a word of one text only is left out: noise, and most of the memory.
_FIRST_CHINESE, _LAST_CHINESE = "\u4e00", "\u9fff"


class _Chance:
    """The probability of one outcome; a constant where only one outcome was seen."""

    def __init__(self, features: Any, outcomes: BoolArray, inverse_penalty: float) -> None:
        self._constant = (float(outcomes.sum()) + 1.0) / (len(outcomes) + 2.0)
        self._model: Any = None
        if 0 < outcomes.sum() < len(outcomes):
            self._model = LogisticRegression(C=inverse_penalty, solver="liblinear", max_iter=1_000, random_state=0)
            self._model.fit(features, outcomes)

    def __call__(self, features: Any) -> FloatArray:
        if self._model is None:
            return np.full(features.shape[0], self._constant)
        found: FloatArray = self._model.predict_proba(features)[:, 1]
        return found


class NestedRegression:
    """Negative against the rest, then positive against neutral.

    Args:
        features: matrix of n_rows rows, dense or sparse.
        is_full: whether a row's set has all three labels, shape (n_rows,).
    """

    def __init__(self, features: Any, gold: IntArray, is_full: BoolArray, inverse_penalty: float) -> None:
        self._negative = _Chance(features, gold == NEGATIVE, inverse_penalty)
        rest = np.flatnonzero((gold != NEGATIVE) & is_full)
        self._positive = _Chance(features[rest], gold[rest] == POSITIVE, inverse_penalty)

    def probabilities(self, features: Any) -> FloatArray:
        """In label order, shape (n_rows, 3)."""
        negative, positive = self._negative(features), self._positive(features)
        return np.stack([negative, (1 - negative) * (1 - positive), (1 - negative) * positive], axis=1)


class TfidfScorer:
    """A PairScorer trained in place, one model for each language of its sets."""

    def __init__(self, sets: Sequence[LabelledSet]) -> None:
        """`sets`: the training side only; those of UNLIKE are left out. Raises: ValueError: there are no rows."""
        by_language: dict[str, list[tuple[Row, bool]]] = {}
        for one in sets:
            for row in one.rows if one.name not in UNLIKE else ():
                by_language.setdefault(_language(row.text, row.lang), []).append((row, one.is_full))
        if not by_language:
            raise ValueError(f"tfidf: no set to train on; name one beside {', '.join(sorted(UNLIKE))} with --sets")
        self._models: Mapping[str, tuple[Any, NestedRegression]] = {
            language: _train(rows, language) for language, rows in sorted(by_language.items())
        }

    @property
    def name(self) -> str:
        """The name of the method."""
        return "tfidf"

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair, in order; a language without training rows is read by the first model."""
        found: list[Judgement] = [Judgement(0.0, 1.0, 0.0, NO_RISK, ())] * len(pairs)
        languages = [_language(pair.text, pair.lang) for pair in pairs]
        first = next(iter(self._models))
        for language in dict.fromkeys(languages):
            vectorizer, model = self._models.get(language, self._models[first])
            numbers = [number for number, one in enumerate(languages) if one == language]
            texts = [_reading(pairs[number].text, pairs[number].target) for number in numbers]
            for number, one in zip(numbers, model.probabilities(vectorizer.transform(texts)), strict=True):
                found[number] = Judgement(float(one[0]), float(one[1]), float(one[2]), NO_RISK, ())
        return found


def _train(rows: Sequence[tuple[Row, bool]], language: str) -> tuple[Any, NestedRegression]:
    least = 2 if len(rows) >= _MANY else 1
    common = {"sublinear_tf": True, "min_df": least, "max_features": _WORDS}
    # Chinese is written without spaces: characters and their neighbours stand for words.
    vectorizer = (
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), **common)
        if language == "zh"
        else TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\w+|[%!?]", **common)
    )
    features = vectorizer.fit_transform([_reading(row.text, row.target) for row, _ in rows])
    gold = np.array([row.label for row, _ in rows], dtype=np.int64)
    is_full = np.array([one for _, one in rows], dtype=np.bool_)
    return vectorizer, NestedRegression(features, gold, is_full, _INVERSE_PENALTY)


def _reading(text: str, target: str) -> str:
    text = normalise(text)
    for start, end in reversed(find_mentions(text, target)):
        text = f"{text[:start]} {_TARGET} {text[end:]}"
    return text


def _language(text: str, lang: str | None) -> str:
    if lang:
        return "zh" if lang.lower().startswith("zh") else "en"
    letters = [mark for mark in text if mark.isalpha()]
    return "zh" if 2 * sum(_FIRST_CHINESE <= mark <= _LAST_CHINESE for mark in letters) > len(letters) else "en"
