"""What is kept of an evaluation: report.json with every figure, and pictures."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from models.evaluation import pictures
from models.evaluation.report import POOLED, Findings

FORMAT = 1


def keep(findings: Findings, folder: Path, settings: Mapping[str, float | None]) -> None:
    """Write report.json and the pictures; the same findings give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"format": FORMAT, **settings, **asdict(findings)}
    (folder / "report.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    for key, report in findings.reports.items():
        stem, name = _stem(key), Path(key).name
        pictures.save_confusion(report, name, folder / f"confusion_{stem}.png")
        over = POOLED if POOLED in report.calibration else next(iter(report.calibration))
        title = f"{name} on {', '.join(report.mean_of) if over == POOLED else over}"
        pictures.save_reliability(report.calibration[over], title, folder / f"reliability_{stem}.png")
        if report.posts:
            path = folder / f"reliability_posts_{stem}.png"
            pictures.save_reliability(report.posts.calibration, f"{name} on labelled posts", path)
    if any(report.abstention for report in findings.reports.values()):
        pictures.save_abstention(findings.reports, folder / "abstention.png")


def _stem(key: str) -> str:
    return "".join(mark if mark.isalnum() or mark in "-." else "_" for mark in Path(key).name)
