"""bench_gpu measures the same code on a processor, and says so where it can measure nothing."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is in the full set: make setup-full")

import torch

from tests.bench import bench_gpu
from tests.bench.bench_gpu import main, make_texts
from tests.models.serving.bert import make_bert


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_few_documents_on_a_processor_are_measured_from_strings_to_logits(
    processes: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_gpu, "_CHUNK", 8)
    folder = make_bert(tmp_path / "tiny")
    main(["--device", "cpu", "--documents", "20", "--processes", str(processes), "--checkpoint", str(folder)])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["backend"], found["documents"], found["processes"]) == ("torch-float32-cpu", 20, processes)
    assert found["documents_a_second"] > 0
    assert found["computing_tokens_a_second"] > 0
    assert found["microseconds_a_document"]["compute"] > 0
    assert found["filler_share"] == 0.0


def test_machine_without_a_gpu_is_told_loudly_and_is_no_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    main([])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("NO SUCH DEVICE IS HERE")
    assert "torch sees no GPU" in json.loads(lines[-1])["skipped"]


def test_texts_are_always_the_same_and_seldom_alike() -> None:
    texts = make_texts(500)
    assert texts == make_texts(500)
    assert len(set(texts)) == 500
