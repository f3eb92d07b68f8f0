#!/bin/sh
# Quality of every peer: texts, vectors, rankings. Whatever is there already is not done again.
#   bench/peers/run.sh [--engine fp32|int8] [--envs DIR] [--out DIR] [SET_FOLDER...]
# Takes about 35 minutes with float32 vectors on two idle cores, 15 with Gakju's int8 ones; may be stopped and restarted.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tmp=${TMPDIR:-/tmp}
envs=$tmp/envs out=$tmp/gakju-bench/peers/results engine=fp32
while [ $# -gt 0 ]; do
    case $1 in
    --envs) envs=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --engine) engine=$2; shift 2 ;;
    *) break ;;
    esac
done
ours=${GAKJU_PYTHON:-$here/../../.venv/bin/python}
models=${GAKJU_BENCH_MODELS:-$HOME/.local/share/gakju/models}
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 HAYSTACK_TELEMETRY_ENABLED=False
[ -f "$tmp/gakju-bench/e5-fp32/model.safetensors" ] || "$ours" "$here/weights.py"
each() { # MODE SETS...
    what=$1
    shift
    for peer in langchain langchain-256 llama_index haystack txtai; do
        [ "$what" = chunk ] && [ -f "$marks/$peer" ] && continue
        "$envs/${peer%-256}/bin/python" "$here/quality.py" "$what" "$peer" "$@" --out "$out" --engines "$engine" 2>/dev/null
        [ "$what" = chunk ] && touch "$marks/$peer"
    done
    return 0
}
marks=$tmp/gakju-bench/peers/chunked-$(printf '%s' "$*" | cksum | cut -d' ' -f1)
mkdir -p "$marks"
"$envs/langchain/bin/python" "$here/quality.py" search bm25-bigrams "$@" --out "$out"
each chunk "$@"
if [ "$engine" = fp32 ]; then
    "$envs/langchain/bin/python" "$here/vectors.py" --engine fp32 --weights "$tmp/gakju-bench/e5-fp32"
else
    "$ours" "$here/vectors.py" --engine int8 --weights "$models/multilingual-e5-small-q4.bin"
fi
each search "$@"
