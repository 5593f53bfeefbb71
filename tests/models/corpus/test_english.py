"""Each English data set in the forms in which it is published, with invented texts."""

import json
import zipfile
from pathlib import Path

import pytest

from models.corpus import english
from models.corpus.copies import Columns
from models.corpus.rows import DataError
from models.corpus.sample import Sample


def short(samples: list[Sample]) -> list[tuple[str, str | None, str | None, str]]:
    return [(one.text, one.label, one.entity, one.id) for one in samples]


def write(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_text(content, encoding=encoding)
    return path


def test_phrasebank_zip_tells_how_many_annotators_agreed(tmp_path: Path) -> None:
    all_agree = "Hexley 's profit fell .@negative\n"
    most = f"{all_agree}Orvane @ Lund opened .@neutral\n"
    with zipfile.ZipFile(tmp_path / "phrasebank.zip", "w") as archive:
        for name, text in (("AllAgree", all_agree), ("75Agree", all_agree), ("66Agree", most), ("50Agree", most)):
            archive.writestr(f"FinancialPhraseBank/Sentences_{name}.txt", text.encode("latin-1"))
        archive.writestr("FinancialPhraseBank/README.txt", "no sentence")
    assert short(list(english.phrasebank(tmp_path / "phrasebank.zip"))) == [
        ("Hexley 's profit fell .", "negative", None, "fpb:0:agree100"),
        ("Orvane @ Lund opened .", "neutral", None, "fpb:1:agree66"),
    ]


def test_phrasebank_list_alone_is_in_latin_1(tmp_path: Path) -> None:
    path = write(tmp_path / "Sentences_50Agree.txt", "Caf\u00e9 Mirtal  grew .@positive\n\n", "latin-1")
    assert short(list(english.phrasebank(path))) == [("Caf\u00e9 Mirtal grew .", "positive", None, "fpb:0:agree50")]


def test_phrasebank_csv_has_the_label_first(tmp_path: Path) -> None:
    path = write(tmp_path / "all-data.csv", 'neutral,"Hexley, of Lund, met ."\npositive,Orvane grew .\n', "latin-1")
    assert short(list(english.phrasebank(path)))[0] == ("Hexley, of Lund, met .", "neutral", None, "fpb:0:unknown")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("Sentences_50Agree.txt", "No label here\n", "line 1: must end with @positive"),
        ("Sentences_50Agree.txt", "Wrong@good\n", "line 1: the label 'good' is none of"),
        ("all-data.csv", "neutral,a,b\n", "row 1: must be two values"),
        ("notes.txt", "a\n", "holds no Sentences_50Agree.txt"),
    ],
)
def test_phrasebank_faults_are_told(tmp_path: Path, name: str, content: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        list(english.phrasebank(write(tmp_path / name, content)))


FIQA = {
    "7": {
        "sentence": "Hexley slumps as Orvane soars",
        "info": [
            {"snippets": "['slumps']", "target": "Hexley", "sentiment_score": "-0.5", "aspects": "['Stock/Price']"},
            {"snippets": "['soars']", "target": "Orvane", "sentiment_score": "0.1", "aspects": "['Stock/Price']"},
        ],
    },
    "8": {"sentence": "Mirtal meets", "info": [{"target": "Mirtal", "sentiment_score": "-0.1"}]},
}


def test_fiqa_as_the_challenge_published_it_has_a_row_for_each_target(tmp_path: Path) -> None:
    write(tmp_path / "task1_headline_ABSA_train.json", json.dumps(FIQA))
    samples = list(english.fiqa(tmp_path))
    assert short(samples) == [
        ("Hexley slumps as Orvane soars", "negative", "Hexley", "fiqa:train:7.0:headline"),
        ("Hexley slumps as Orvane soars", "positive", "Orvane", "fiqa:train:7.1:headline"),
        ("Mirtal meets", "neutral", "Mirtal", "fiqa:train:8.0:headline"),
    ]
    assert [one.score for one in samples] == [-0.5, 0.1, -0.1]


def test_fiqa_as_a_table_tells_posts_from_headlines(tmp_path: Path) -> None:
    header = "sentence,snippets,target,sentiment_score,aspects,format,label,split"
    path = write(tmp_path / "fiqa.csv", f"{header}\n$HXL long,[],HXL,0.4,[],post,2,validation\n")
    assert short(list(english.fiqa(path))) == [("$HXL long", "positive", "HXL", "fiqa:validation:0:post")]
    path = write(tmp_path / "train.csv", "_id,sentence,target,aspect,score,type\n1,Hexley met,Hexley,x,0.05,headline\n")
    assert short(list(english.fiqa(path))) == [("Hexley met", "neutral", "Hexley", "fiqa:train:0:headline")]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"text": "a"}, "text 1: must hold `sentence` and `info`"),
        ({"sentence": "a", "info": [{"target": "a"}]}, "has no `sentiment_score`"),
        ({"sentence": "a", "info": [{"sentiment_score": "1.2"}]}, r"is not in \[-1, 1\]"),
        ({"sentence": "a", "info": [{"sentiment_score": "good"}]}, "is no number"),
    ],
)
def test_fiqa_faults_are_told(tmp_path: Path, entry: object, told: str) -> None:
    with pytest.raises(DataError, match=told):
        list(english.fiqa(write(tmp_path / "task1_post_ABSA_train.json", json.dumps({"1": entry}))))


def test_tweets_have_their_own_numbers(tmp_path: Path) -> None:
    write(tmp_path / "sent_train.csv", "text,label\n$HXL - Hexley cut,0\n$ORV raised,1\n")
    write(tmp_path / "sent_valid.csv", 'text,label\n"Hexley, again",2\n')
    assert short(list(english.tweets(tmp_path))) == [
        ("$HXL - Hexley cut", "negative", None, "tfns:train:0"),
        ("$ORV raised", "positive", None, "tfns:train:1"),
        ("Hexley, again", "neutral", None, "tfns:validation:0"),
    ]


def test_unknown_number_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 1: the label '3' is none of 0, 1, 2"):
        list(english.tweets(write(tmp_path / "sent_train.csv", "text,label\nHexley,3\n")))


def test_mild_grades_become_neutral_and_keep_their_score(tmp_path: Path) -> None:
    grades = ["strong negative", "moderately negative", "mildly negative"]
    grades += ["neutral", "mildly positive", "strong positive"]
    lines = [json.dumps({"news": f"news {grade}", "label": grade, "prompt": "", "out": ""}) for grade in grades]
    samples = list(english.graded_news(write(tmp_path / "test.jsonl", "\n".join(lines))))
    assert [one.label for one in samples] == ["negative", "negative", "neutral", "neutral", "neutral", "positive"]
    assert [one.score for one in samples] == [-1.0, -0.67, -0.33, 0.0, 0.33, 1.0]
    assert samples[2].id == "nwgi:test:2"


def test_headline_gives_a_row_for_each_entity(tmp_path: Path) -> None:
    rows = '12,"Hexley up, Orvane down","{""Hexley"": ""positive"", ""Orvane"": ""negative""}",4\n'
    rows += "13,Mirtal flat,{'Mirtal': 'neutral'},2\n"
    path = write(tmp_path / "SEntFiN-v1.1.csv", f"S No.,Title,Decisions,Words\n{rows}")
    assert short(list(english.sentfin(path))) == [
        ("Hexley up, Orvane down", "positive", "Hexley", "sentfin:12:0"),
        ("Hexley up, Orvane down", "negative", "Orvane", "sentfin:12:1"),
        ("Mirtal flat", "neutral", "Mirtal", "sentfin:13:0"),
    ]


@pytest.mark.parametrize("decisions", ["positive", "[1]", ""])
def test_decisions_that_are_no_dictionary_are_told(tmp_path: Path, decisions: str) -> None:
    path = write(tmp_path / "a.csv", f"S No.,Title,Decisions,Words\n1,Hexley,{decisions},1\n")
    with pytest.raises(DataError, match="row 1: `Decisions` must look like"):
        list(english.sentfin(path))


def test_scores_of_headlines_are_cut_as_for_fiqa(tmp_path: Path) -> None:
    entries = [
        {"id": 2, "company": "Hexley", "title": "Hexley ahead", "sentiment": 0.43},
        {"id": 3, "company": "Orvane", "title": "Orvane still", "sentiment": 0.099},
    ]
    samples = list(english.headlines2017(write(tmp_path / "Headline_Trainingdata.json", json.dumps(entries))))
    assert short(samples) == [
        ("Hexley ahead", "positive", "Hexley", "semeval17h:0:2"),
        ("Orvane still", "neutral", "Orvane", "semeval17h:1:3"),
    ]


def test_posts_carry_their_ticker_and_the_posters_own_tag(tmp_path: Path) -> None:
    header = "id,date,ticker,emo_label,senti_label,original,processed"
    row = "100001,2020-01-01,HXL,panic,bearish,$HXL oh no,cashtag oh no"
    path = write(tmp_path / "val_stockemo.csv", f"{header}\n{row}\n")
    assert short(list(english.stock_emotions(path))) == [("$HXL oh no", "negative", "HXL", "stockemotions:val:100001")]


def test_sides_of_stock_tweets(tmp_path: Path) -> None:
    path = write(tmp_path / "stock_data.csv", "Text,Sentiment\nHXL long,1\nHXL  short,-1\n")
    assert short(list(english.stock_tweets(path))) == [
        ("HXL long", "positive", None, "stock_tweets:0"),
        ("HXL short", "negative", None, "stock_tweets:1"),
    ]


def test_headlines_without_a_price_are_neutral(tmp_path: Path) -> None:
    header = "Dates,URL,News,Price Direction Up,Price Direction Constant,Price Direction Down,Asset Comparision,"
    header += "Past Information,Future Information,Price Sentiment"
    rows = "d,u,gold gains,1,0,0,0,1,0,positive\nd,u,a talk about mines,0,0,0,0,1,0,none\n"
    path = write(tmp_path / "gold-dataset.csv", f"{header}\n{rows}")
    assert short(list(english.gold(path))) == [
        ("gold gains", "positive", "gold", "gold:0"),
        ("a talk about mines", "neutral", "gold", "gold:1"),
    ]


def test_unlabelled_headlines_have_no_label(tmp_path: Path) -> None:
    read = english.unlabelled("cnbc_headlines", Columns(("Headlines",), ("Time", "Description")))
    path = write(tmp_path / "cnbc_headlines.csv", "Headlines,Time,Description\nHexley met,noon,more\n")
    assert short(list(read(path))) == [("Hexley met", None, None, "cnbc_headlines:0")]


def test_raw_tweets_lie_in_files_by_ticker_and_day(tmp_path: Path) -> None:
    for ticker in ("HXL", "ORV"):
        (tmp_path / ticker).mkdir()
        write(tmp_path / ticker / "2014-01-01", json.dumps({"text": f"${ticker} up", "id": 1}) + "\n")
    assert short(list(english.stocknet(tmp_path))) == [
        ("$HXL up", None, None, "stocknet_tweets:0"),
        ("$ORV up", None, None, "stocknet_tweets:1"),
    ]
    with pytest.raises(DataError, match="no tweet of StockNet's"):
        list(english.stocknet(write(tmp_path / "other.txt", "words")))
