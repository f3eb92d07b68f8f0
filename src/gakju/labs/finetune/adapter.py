"""A peft adapter to the GGUF file that llama.cpp loads: `python adapter.py ADAPTER_DIR BASE.gguf OUT.gguf`.

Stands by itself, as `worker`: it imports numpy, safetensors and gguf. Format: llama.cpp, `convert_lora_to_gguf.py` and
`src/llama-adapter.cpp`: `general.type` adapter, `adapter.type` lora, `adapter.lora.alpha`, and of every changed matrix
`NAME.lora_a` and `NAME.lora_b`; llama.cpp scales by alpha / rank.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_KEY = re.compile(r"base_model\.model\.model\.layers\.(\d+)\.([a-z_.]+)\.lora_([AB])\.weight")


def convert(folder: Path, base: Path, out: Path) -> int:
    """Write `out`; the number of tensors. Raises ValueError for an adapter or a base that does not fit."""
    import gguf
    from safetensors.numpy import load_file

    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    if config.get("peft_type") != "LORA" or config.get("use_dora") or config.get("bias", "none") != "none":
        raise ValueError("this is no plain LoRA adapter")
    reader = gguf.GGUFReader(str(base))
    family = str(reader.fields["general.architecture"].contents())
    shapes = {t.name: tuple(int(n) for n in t.shape) for t in reader.tensors}  # ggml's order: in, out
    heads = {
        "attn_q": int(reader.fields[f"{family}.attention.head_count"].contents()),
        "attn_k": int(reader.fields[f"{family}.attention.head_count_kv"].contents()),
    }
    writer = gguf.GGUFWriter(str(out), family)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    rank, alpha = int(config["r"]), float(config["lora_alpha"])
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha * rank**0.5 if config.get("use_rslora") else alpha)
    tensors = load_file(folder / "adapter_model.safetensors")
    for key, given in sorted(tensors.items()):
        name, side, value = _named(key, given)
        kind = name.split(".")[2]
        if side == "b" and family == "llama" and kind in heads:
            value = permuted(value, heads[kind])
        if name not in shapes or value.shape[1 if side == "a" else 0] != shapes[name][0 if side == "a" else 1]:
            raise ValueError(f"{key} {value.shape} does not fit the base")
        writer.add_tensor(f"{name}.lora_{side}", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return len(tensors)


def _named(key: str, value: Any) -> tuple[str, str, Any]:
    import numpy as np

    found = _KEY.fullmatch(key)
    if not found or found[2] not in _NAMES:
        raise ValueError(f"{key} is of a kind that is not known here")
    return f"blk.{found[1]}.{_NAMES[found[2]]}.weight", found[3].lower(), np.ascontiguousarray(value, np.float32)


def permuted(rows: Any, heads: int) -> Any:
    """Rows as llama.cpp's own converter orders the queries and keys of `llama`: its rotation pairs neighbours, the
    published weights pair halves. Other families (qwen2 among them) are rotated by halves there too.
    """
    shape = rows.shape
    return rows.reshape(heads, 2, shape[0] // heads // 2, shape[1]).swapaxes(1, 2).reshape(shape).copy()


if __name__ == "__main__":
    try:
        print(convert(*(Path(a) for a in sys.argv[1:4])))
    except (ValueError, OSError, KeyError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
