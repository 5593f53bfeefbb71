"""Development splits that are honest: equal texts on one side, near copies out of the training side.

On which side a text falls depends on its letters and digits alone, not on its set, its place or a seed: whoever reads
it, in whatever mix of sets, finds it on the same side.
"""

from collections.abc import Sequence

from models.corpus.rows import Row, fraction

DEVELOPMENT_RATIO = 0.1
NEAR_COPY = 0.9
"""Cosine from which two texts count as copies: below it are templates with another company and another figure, which
teach; above it the same sentence, which would only be remembered."""

_SLICE = 512
"""Texts compared at a time; the whole product of 40,000 by 4,000 would not fit into memory."""
_FEATURES = 60_000


def is_development(text: str, ratio: float = DEVELOPMENT_RATIO) -> bool:
    """Whether a text belongs to the part that nothing is trained on; the same for equal texts of all sets."""
    return fraction(text, "development") < ratio


def split(rows: Sequence[Row], ratio: float = DEVELOPMENT_RATIO) -> tuple[list[Row], list[Row]]:
    """(training, development); training rows that nearly copy a development text are left out."""
    development = [row for row in rows if is_development(row.text, ratio)]
    training = [row for row in rows if not is_development(row.text, ratio)]
    copies = near_copies([row.text for row in training], [row.text for row in development])
    return [row for row, is_copy in zip(training, copies, strict=True) if not is_copy], development


def near_copies(texts: Sequence[str], others: Sequence[str], least: float = NEAR_COPY) -> list[bool]:
    """For each text whether some other has a tf-idf cosine of at least `least` with it (3 and 4 characters)."""
    if not any(map(str.strip, texts)) or not any(map(str.strip, others)):
        return [False] * len(texts)
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), max_features=_FEATURES, sublinear_tf=True)
    vectorizer.fit([*texts, *others])
    reference = vectorizer.transform(others).T.tocsr()
    found: list[bool] = []
    for start in range(0, len(texts), _SLICE):
        product = vectorizer.transform(texts[start : start + _SLICE]) @ reference
        found += (product.max(axis=1).toarray().ravel() >= least).tolist()
    return found
