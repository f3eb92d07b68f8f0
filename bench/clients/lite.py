"""`litellm` against Gakju: `python lite.py URL`. Prints one JSON object."""

import json
import sys

import litellm

url = sys.argv[1]
hi = [{"role": "user", "content": "Say hi in one word."}]
model = "openai/embedded:qwen2.5-coder-0.5b"
whole = litellm.completion(model=model, api_base=url + "/v1", api_key="k", messages=hi, max_tokens=8)
pieces = litellm.completion(model=model, api_base=url + "/v1", api_key="k", messages=hi, max_tokens=8, stream=True)
streamed = "".join(p.choices[0].delta.content or "" for p in pieces)
azure = litellm.completion(
    model="azure/dev-model", api_base=url, api_key="k", api_version="2023-05-15", messages=hi, max_tokens=8
)
vectors = litellm.embedding(
    model="openai/embedded:multilingual-e5-small", api_base=url + "/v1", api_key="k", input=["a", "b"]
)
assert whole.choices[0].message.content
assert streamed
assert azure.choices[0].message.content
assert len(vectors.data[1]["embedding"]) == 384
print(json.dumps({"chat": "ok", "stream": "ok", "azure chat": "ok", "embeddings": "ok"}))
