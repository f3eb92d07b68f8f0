"""/v1/documents: add, look at, delete."""

from __future__ import annotations

import hashlib
import io
import time
from pathlib import Path

import httpx
import pytest
from fpdf import FPDF
from PIL import Image

from fronts import LEAVE


def finished(http: httpx.Client, job: dict) -> dict:
    deadline = time.monotonic() + 60
    while (job := http.get(f"/v1/jobs/{job['id']}").json())["state"] in {"queued", "running"}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return job


def upload(http: httpx.Client, *files: tuple[str, bytes], **form: object) -> dict:
    response = http.post("/v1/documents", files=[("files", f) for f in files], data=form)
    assert response.status_code == 202, response.text
    assert response.headers["location"] == f"/v1/jobs/{response.json()['id']}"
    return finished(http, response.json())


def pdf() -> bytes:
    page = FPDF(unit="pt", format=(300, 200))
    page.add_page()
    page.set_font("helvetica", size=20)
    page.text(50, 80, "Hello pages")
    return bytes(page.output())


def test_files_are_added_in_order_under_the_paths_they_are_given(http: httpx.Client) -> None:
    job = upload(
        http,
        ("b.txt", "둘째 문서다.".encode()),
        ("a.txt", "첫째 문서다.".encode()),
        path=["/home/u/b.txt", "/home/u/a.txt"],
        collection="work",
    )
    assert job["state"] == "done"
    assert [(f["path"], f["status"]) for f in job["result"]["files"]] == [
        ("/home/u/b.txt", "added"),
        ("/home/u/a.txt", "added"),
    ]
    assert [d["path"] for d in http.get("/v1/documents", params={"collection": "work"}).json()] == [
        "/home/u/b.txt",
        "/home/u/a.txt",
    ]
    assert http.get("/v1/documents", params={"collection": "default"}).json() == []
    assert http.get("/v1/collections").json() == [{"name": "work", "documents": 2}]


def test_without_paths_only_the_names_are_kept(http: httpx.Client) -> None:
    job = upload(http, ("../../etc/rule.txt", LEAVE.encode()))
    assert [f["path"] for f in job["result"]["files"]] == ["rule.txt"]


@pytest.mark.parametrize("paths", [["/a", "/b"], ["/a\nb"], ["/" + "a" * 4096]])
def test_paths_that_do_not_fit_are_refused(http: httpx.Client, paths: list[str]) -> None:
    response = http.post("/v1/documents", files={"files": ("a.txt", b"x")}, data={"path": paths})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "usage")
    assert http.get("/v1/jobs").json() == []


def test_a_broken_file_fails_alone(http: httpx.Client) -> None:
    job = upload(http, ("broken.pdf", b"%PDF-1.7 nothing"), ("a.txt", LEAVE.encode()))
    assert [f["status"] for f in job["result"]["files"]] == ["failed", "added"]
    assert "broken.pdf" in job["result"]["files"][0]["error"]


def test_a_password_is_never_told(http: httpx.Client) -> None:
    job = upload(http, ("a.txt", LEAVE.encode()), password=["open sesame"])
    for address in (f"/v1/jobs/{job['id']}", "/v1/jobs", f"/v1/jobs/{job['id']}/events"):
        assert "sesame" not in http.get(address).text


def test_a_document_its_page_and_its_chunks(http: httpx.Client) -> None:
    job = upload(http, ("hello.pdf", pdf()))
    identity = job["result"]["files"][0]["document_id"]
    document = http.get(f"/v1/documents/{identity}").json()
    assert (document["media_type"], document["pages"]) == ("application/pdf", 1)
    page = http.get(f"/v1/documents/{identity}/pages/1").json()
    assert (page["number"], page["status"], page["width"], page["height"]) == (1, "ok", 300, 200)
    start = page["text"].index("pages")
    ((number, x0, y0, x1, y1),) = http.get(
        f"/v1/documents/{identity}/pages/1/boxes", params={"start": start, "end": start + 5}
    ).json()
    assert number == 1
    assert 100 < x0 < x1 < 170
    assert 50 < y0 < 80 < y1 < 95
    (chunk,) = http.get(f"/v1/documents/{identity}/chunks").json()
    assert (chunk["ordinal"], chunk["page"]) == (0, 1)
    assert "Hello pages" in chunk["text"]


def test_a_page_is_drawn_with_its_boxes_marked(http: httpx.Client) -> None:
    identity = upload(http, ("hello.pdf", pdf()))["result"]["files"][0]["document_id"]
    address = f"/v1/documents/{identity}/pages/1/image"
    plain = http.get(address, params={"width": 600})
    assert plain.headers["content-type"] == "image/png"
    marked = http.get(address, params={"width": 600, "boxes": ["200,100,250,150", "10,10,20,20"]})
    before, after = (Image.open(io.BytesIO(r.content)).convert("RGB") for r in (plain, marked))
    assert before.size == after.size == (600, 400)
    assert before.getpixel((450, 250)) == (255, 255, 255)
    assert after.getpixel((450, 250)) == (255, 226, 77)
    assert after.getpixel((30, 30)) == (255, 226, 77)
    assert after.getpixel((560, 380)) == (255, 255, 255)


@pytest.mark.parametrize("boxes", ["1,2,3", "a,b,c,d", "nan,1,2,3", "inf,1,2,3", "1,2,3,4,5"])
def test_boxes_that_are_none_are_refused(http: httpx.Client, boxes: str) -> None:
    response = http.get("/v1/documents/x/pages/1/image", params={"boxes": boxes})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "usage")


def test_a_text_has_no_pages_to_draw(library: httpx.Client) -> None:
    identity = library.get("/v1/documents").json()[0]["id"]
    response = library.get(f"/v1/documents/{identity}/pages/1/image")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_the_original_is_a_download_byte_for_byte(http: httpx.Client) -> None:
    page = "<script>alert(1)</script><p>휴가는 15일이다.</p>".encode()
    identity = upload(http, ("휴가 규정.html", page))["result"]["files"][0]["document_id"]
    response = http.get(f"/v1/documents/{identity}/original")
    assert hashlib.sha256(response.content).digest() == hashlib.sha256(page).digest()
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-disposition"].startswith("attachment; filename*=utf-8''%ED%9C%B4")


def test_a_deleted_document_is_gone(library: httpx.Client, folder: Path) -> None:
    first, second = library.get("/v1/documents").json()
    assert library.delete(f"/v1/documents/{first['id']}").status_code == 204
    assert [d["id"] for d in library.get("/v1/documents").json()] == [second["id"]]
    for address in ("", "/pages/1", "/chunks", "/original"):
        assert library.get(f"/v1/documents/{first['id']}{address}").status_code == 404
    assert library.delete(f"/v1/documents/{first['id']}").status_code == 404
    assert (folder / "leave.txt").exists()
