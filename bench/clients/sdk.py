"""The `openai` SDK, of any 1.x or later version, against Gakju: `python sdk.py URL STRUCTURED`. Prints one JSON object.

Runs in an environment that has nothing but the SDK.
"""

import json
import sys
import time

import openai

MODEL = "embedded:qwen2.5-coder-0.5b"
EMBEDDER = "embedded:multilingual-e5-small"
HI = [{"role": "user", "content": "Say hi in one word."}]
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 12},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "guide": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "maxLength": 10},
                "tongues": {"type": "array", "items": {"enum": ["ko", "en"]}, "minItems": 1, "maxItems": 2},
            },
            "required": ["name", "tongues"],
            "additionalProperties": False,
        },
    },
    "required": ["city", "days", "guide"],
    "additionalProperties": False,
}


def valid(text):
    """By hand: the environment has no validator."""
    trip = json.loads(text)
    assert set(trip) == {"city", "days", "guide"}
    assert isinstance(trip["city"], str)
    assert len(trip["city"]) <= 12
    assert isinstance(trip["days"], int)
    assert 1 <= trip["days"] <= 9
    assert set(trip["guide"]) == {"name", "tongues"}
    assert isinstance(trip["guide"]["name"], str)
    assert len(trip["guide"]["name"]) <= 10
    assert 1 <= len(trip["guide"]["tongues"]) <= 2
    assert set(trip["guide"]["tongues"]) <= {"ko", "en"}


def structured(client, count):
    form = {"type": "json_schema", "json_schema": {"name": "trip", "strict": True, "schema": SCHEMA}}
    good, wrong = 0, []
    for seed in range(count):
        made = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": f"Plan trip {seed} in Korea, as JSON."}],
            temperature=1.0,
            max_tokens=100,
            extra_body={"response_format": form, "seed": seed},  # 1.0.0 knows no such parameters
        )
        text = made.choices[0].message.content
        try:
            valid(text)
            good += 1
        except (AssertionError, ValueError, KeyError, TypeError):
            wrong.append(text[:200])
    return {"valid": good, "of": count, "wrong": wrong[:5]}


def spoken(client, model):
    whole = client.chat.completions.create(model=model, messages=HI, max_tokens=8)
    assert whole.choices[0].message.content
    assert whole.usage.completion_tokens > 0
    pieces = list(client.chat.completions.create(model=model, messages=HI, max_tokens=8, stream=True))
    assert "".join(p.choices[0].delta.content or "" for p in pieces)
    assert pieces[-1].choices[0].finish_reason in ("stop", "length")


def embedded(client, model):
    found = client.embeddings.create(model=model, input=["각주", "footnote"])
    assert [len(d.embedding) for d in found.data] == [384, 384]
    assert abs(sum(v * v for v in found.data[0].embedding) - 1) < 1e-3
    short = client.embeddings.create(model=model, input="각주", extra_body={"dimensions": 64})
    assert len(short.data[0].embedding) == 64


def library(client):
    asked = [{"role": "user", "content": "연차휴가는 며칠인가?"}]
    whole = client.chat.completions.create(model="gakju", messages=asked)
    assert "15일" in whole.choices[0].message.content
    assert "[1]" in whole.choices[0].message.content
    last = list(client.chat.completions.create(model="gakju", messages=asked, stream=True))[-1]
    assert last.gakju["footnotes"][0]["number"] == 1


def refused(client):
    for kind, code, body in (
        (openai.NotFoundError, "model_not_found", {"model": "gpt-4o-mini", "messages": HI}),
        (
            openai.BadRequestError,
            "context_length_exceeded",
            {"model": MODEL, "messages": [{"role": "user", "content": "hi " * 9000}]},
        ),
    ):
        try:
            client.chat.completions.create(**body)
        except kind as error:
            told = error.code or error.response.json()["error"]["code"]  # 1.0.0 looks for it one level too high
            if told != code:
                raise AssertionError(told) from error
        else:
            raise AssertionError(code)


def main():
    url, count = sys.argv[1], int(sys.argv[2])
    plain = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0, timeout=300)
    azure = openai.AzureOpenAI(azure_endpoint=url, api_key="k", api_version="2023-05-15", max_retries=0, timeout=300)
    told = {"version": openai.__version__}
    for name, check in {
        "chat": lambda: spoken(plain, MODEL),
        "azure chat": lambda: spoken(azure, "dev-model"),
        "embeddings": lambda: embedded(plain, EMBEDDER),
        "azure embeddings": lambda: embedded(azure, "ada"),
        "models": lambda: plain.models.retrieve(plain.models.list().data[0].id),
        "completions": lambda: plain.completions.create(model=MODEL, prompt="Once", max_tokens=3, logprobs=1),
        "library": lambda: library(plain),
        "errors": lambda: refused(plain),
        "structured": lambda: structured(plain, count),
    }.items():
        began = time.time()
        try:
            outcome = check()
            told[name] = outcome if isinstance(outcome, dict) else "ok"
        except Exception as error:
            told[name] = f"{type(error).__name__}: {str(error)[:300]}"
        told.setdefault("seconds", {})[name] = round(time.time() - began, 1)
    print(json.dumps(told, ensure_ascii=False))


main()
