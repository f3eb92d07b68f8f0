"""multilingual-e5-small as an OpenVINO graph: a BERT encoder and pooling by weights.

Weights are int8, one scale an output channel; the CPU plugin quantises activations on the fly where asked to.
Attention is written out so that the plugin fuses it into one kernel.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gakju.models.e5_weights import E5Weights

LAYER_NORM_EPSILON = 1e-12  # XLM-RoBERTa's, as in the model's published configuration


def runtime() -> Any:
    """The `openvino` module. Its import posts an event to Google Analytics, from a forked process, and writes to
    ~/intel: nothing may leave the machine, so its telemetry package, which it can do without, is not to be found.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


Changes = Mapping[str, NDArray[Any]]
"""What is added to the weights: `NAME.up` of shape (rows, rank) times `NAME.down` of shape (rank, columns)."""


def build(weights: E5Weights, changes: Changes | None = None, layers: int | None = None) -> Any:
    """An `openvino.Model`: `embeds` (batch, tokens, hidden) float32, `mask` (batch, tokens) int32 of 0 and 1, and
    `pool` (batch, pools, tokens) float32 to the last hidden states weighed by each row of `pool`,
    (batch, pools, hidden), not normalised. With `layers` the states after so many layers."""
    return _Builder(weights, changes or {}).model(layers or weights.shape.layers)


def compile_graph(graph: Any, threads: int, group: int, streams: int = 0) -> Any:
    """For `streams` inferences at once that share `threads`. 0 is a thread each: on two cores more are done than by one
    inference on two threads, which is done sooner.

    Activations are quantised in groups of `group` where the processor has the instructions, and attention and what
    else is not a product of weights is in bfloat16 where it has those: a fifth faster, and no further from float32.
    Raises RuntimeError, here or at the first inference, where it cannot quantise.
    """
    core = runtime().Core()
    can = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    # Without int8 products everything is meant to be exact.
    precision = "bf16" if group and "BF16" in can else "f32"
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": streams or threads,
        "INFERENCE_PRECISION_HINT": precision,
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(group),
    }
    return core.compile_model(graph, "CPU", options)


class _Builder:
    def __init__(self, weights: E5Weights, changes: Changes) -> None:
        self.ov, self.weights, self.shape = runtime(), weights, weights.shape
        self.changes = changes
        self.op = self.ov.opset13

    def model(self, layers: int) -> Any:
        op, s = self.op, self.shape
        mask = op.parameter([-1, -1], self.ov.Type.i32, name="mask")
        embeds = op.parameter([-1, -1, s.hidden], self.ov.Type.f32, name="embeds")
        pool = op.parameter([-1, -1, -1], self.ov.Type.f32, name="pool")
        for node, name in ((mask, "mask"), (embeds, "embeds"), (pool, "pool")):
            node.output(0).get_tensor().set_names({name})
        places = self.weights.tensor("emb.pos").reshape(-1, s.hidden) + self.weights.tensor("emb.type")[: s.hidden]
        tokens = op.gather(op.shape_of(mask), self._ints(1), self._ints(0))
        place = op.slice(self._floats(places), self._ints(0), tokens, self._ints(1), self._ints(0))
        x = self._layer_norm(op.add(embeds, place), "emb.ln")
        kept = op.convert(mask, self.ov.Type.f32)
        # 0 where a token stands, -1e4 where padding does, added before the softmax.
        bias = op.unsqueeze(op.multiply(op.subtract(kept, self._floats(1)), self._floats(1e4)), self._ints(1, 2))
        for layer in range(layers):
            x = self._layer(x, bias, f"l{layer}.")
        return self.ov.Model([op.matmul(pool, x, False, False)], [embeds, mask, pool], "e5")

    def _layer(self, x: Any, bias: Any, prefix: str) -> Any:
        op, s = self.op, self.shape
        size = s.hidden // s.heads
        query, key, value = (self._heads(self._linear(x, prefix + n, s.hidden), size) for n in "qkv")
        scores = op.multiply(op.matmul(query, key, False, True), self._floats(size**-0.5))
        mixed = op.matmul(op.softmax(op.add(scores, bias), -1), value, False, False)
        joined = op.reshape(op.transpose(mixed, self._ints(0, 2, 1, 3)), self._ints(0, 0, s.hidden), True)
        x = self._layer_norm(op.add(self._linear(joined, prefix + "ao", s.hidden), x), prefix + "aln")
        inner = op.gelu(self._linear(x, prefix + "fi", s.hidden), "ERF")
        return self._layer_norm(op.add(self._linear(inner, prefix + "fo", s.feed_forward), x), prefix + "oln")

    def _heads(self, x: Any, size: int) -> Any:
        split = self.op.reshape(x, self._ints(0, 0, self.shape.heads, size), True)
        return self.op.transpose(split, self._ints(0, 2, 1, 3))

    def _linear(self, x: Any, name: str, columns: int) -> Any:
        op = self.op
        matrix = self.weights.matrix(name + ".w", columns)
        if name + ".up" in self.changes:
            up, down = (self.changes[name + kind].astype(np.float32) for kind in (".up", ".down"))
            matrix = matrix + up @ down
        scale = np.abs(matrix).max(1, keepdims=True) / 127
        whole = np.clip(np.rint(matrix / scale), -127, 127).astype(np.int8)
        weight = op.multiply(op.convert(op.constant(whole), self.ov.Type.f32), self._floats(scale))
        return op.add(op.matmul(x, weight, False, True), self._floats(self.weights.tensor(name + ".b")))

    def _layer_norm(self, x: Any, name: str) -> Any:
        op = self.op
        normal = op.mvn(x, self._ints(-1), True, LAYER_NORM_EPSILON, "inside_sqrt")
        scaled = op.multiply(normal, self._floats(self.weights.tensor(name + ".w")))
        return op.add(scaled, self._floats(self.weights.tensor(name + ".b")))

    def _floats(self, values: NDArray[np.float32] | float) -> Any:
        return self.op.constant(np.asarray(values, np.float32))

    def _ints(self, *values: int) -> Any:
        # A single axis or index is a vector of one here, as the operators expect.
        return self.op.constant(np.array(values, np.int64))
