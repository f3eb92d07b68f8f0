"""Comparisons over the API, and `gakju compare` against a server."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
from click.testing import CliRunner

from gakju.cli import main

PLAN = {
    "name": "휴가",
    "questions": [
        {"id": "a", "question": "연차휴가는 며칠인가?", "answers": ["15일"]},
        {"id": "b", "question": "사장은 누구인가?", "answers": []},
    ],
    "arms": ["plain", {"documents": "free"}, {"web": True}],
}


def test_a_comparison_is_a_job_with_a_report(served, library: httpx.Client) -> None:
    told = library.post("/v1/comparisons/estimate", json=PLAN).json()
    assert (told["questions"], told["remembered"], told["money"]) == (6, 0, None)
    answer = library.post("/v1/comparisons", json=PLAN)
    assert answer.status_code == 202
    job = served.assistant.jobs.wait(answer.json()["id"])
    assert job.state == "done", job.error
    assert library.get(answer.headers["location"]).json()["result"]["ways"][0]["accuracy"] == 0.5
    listed = library.get("/v1/comparisons").json()
    assert [one["id"] for one in listed] == [job.id]
    assert "items" not in listed[0]["result"]
    report = library.get(f"/v1/comparisons/{job.id}/report", params={"language": "ko"})
    assert report.headers["content-disposition"] == 'attachment; filename="comparison.ko.html"'
    assert "어떤 처방이 듣는가: 휴가" in report.text


def test_what_is_refused_is_told(served, library: httpx.Client) -> None:
    over = library.post("/v1/comparisons", json={**PLAN, "budget": {"tokens": 1}})
    assert (over.status_code, over.json()["error"]["param"]) == (400, "budget.tokens")
    assert library.post("/v1/comparisons", json={**PLAN, "arms": ["magic"]}).status_code == 422
    assert library.get("/v1/comparisons/none/report").status_code == 404


def test_the_command_tells_the_table_and_what_to_take(served, library: httpx.Client, tmp_path: Path) -> None:
    lines = [json.dumps(q, ensure_ascii=False) for q in PLAN["questions"]]
    (tmp_path / "q.jsonl").write_text("\n".join(lines), "utf-8")
    (tmp_path / "run.yaml").write_text("questions: q.jsonl\narms: [plain, {documents: free}, {web: true}]\n", "utf-8")

    def run(*arguments: str):
        env = {"LC_ALL": "C", "GAKJU_HOME": str(tmp_path / "unused"), "GAKJU_SERVER": served.url}
        return CliRunner().invoke(main, ["compare", str(tmp_path / "run.yaml"), *arguments], env=env)

    told = run("--estimate")
    assert (told.exit_code, told.stdout.splitlines()[-1][:6]) == (0, "About ")
    page, picture = tmp_path / "out.html", tmp_path / "out.svg"
    done = run("--report", str(page), "--picture", str(picture))
    assert done.exit_code == 0, done.output
    assert "plain model" in done.stdout
    assert "not run: The web is switched off." in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Take ")
    assert "<details>" in page.read_text("utf-8")
    assert picture.read_text("utf-8").startswith("<svg")
    assert json.loads(run("--json").stdout)["sentence"]["en"] == done.stdout.splitlines()[-1]
    assert run("--report", str(tmp_path / "none" / "out.html")).exit_code == 2
