"""Open WebUI, started on a data folder of its own, with Gakju as its OpenAI server; asked as its own page asks."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

QUESTION = {"role": "user", "content": "연차휴가는 며칠인가요?"}


def main(gakju: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        settings = {
            "DATA_DIR": folder,
            "WEBUI_AUTH": "False",
            "WEBUI_SECRET_KEY": "bench",
            "OPENAI_API_BASE_URL": f"{gakju}/v1",
            "OPENAI_API_KEY": "any-key",
            "ENABLE_OLLAMA_API": "False",
            "OFFLINE_MODE": "True",
            "HF_HUB_OFFLINE": "1",
            "RAG_EMBEDDING_ENGINE": "openai",
            "RAG_OPENAI_API_BASE_URL": f"{gakju}/v1",
            "RAG_OPENAI_API_KEY": "any-key",
        }
        command = [Path(sys.executable).with_name("open-webui"), "serve", "--host", "127.0.0.1", "--port", str(port)]
        with subprocess.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=log, cwd=folder) as process:
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as http:
                    print(json.dumps(asked(http)))
            finally:
                process.terminate()


def asked(http: httpx.Client) -> dict[str, object]:
    began = time.monotonic()
    while True:
        try:
            if http.get("/health").status_code == 200:
                break
        except httpx.HTTPError:
            pass
        assert time.monotonic() - began < 300, "Open WebUI did not start"
        time.sleep(1)
    ready = round(time.monotonic() - began, 1)
    signed = http.post("/api/v1/auths/signin", json={"email": "", "password": ""}).raise_for_status().json()
    http.headers["authorization"] = f"Bearer {signed['token']}"
    models = [m["id"] for m in http.get("/api/models").raise_for_status().json()["data"]]
    assert "gakju" in models, models
    small = next(m for m in models if m.startswith("embedded:"))
    whole = http.post("/api/chat/completions", json={"model": "gakju", "messages": [QUESTION], "stream": False})
    text = whole.raise_for_status().json()["choices"][0]["message"]["content"]
    assert "15일" in text, text
    assert "[1]" in text, text
    pieces = []
    plain = {"model": small, "messages": [{"role": "user", "content": "Say hi."}], "stream": True, "max_tokens": 8}
    with http.stream("POST", "/api/chat/completions", json=plain) as response:
        for line in response.raise_for_status().iter_lines():
            if line.startswith("data: {"):
                choices = json.loads(line[6:]).get("choices") or [{}]
                pieces.append(choices[0].get("delta", {}).get("content") or "")
    assert "".join(pieces).strip()
    return {"ready_seconds": ready, "models": models, "library": text[:80], "stream": "".join(pieces)[:40]}


if __name__ == "__main__":
    main(sys.argv[1])
