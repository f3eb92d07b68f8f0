#!/bin/sh
# One peer's environment, pinned: bench/peers/setup.sh NAME [--envs DIR]
# NAME: langchain, llama_index, haystack, txtai. DIR: where environments are kept (the temporary directory).
# torch's CPU build is asked for by its version; point pip at an index that has it (plain builds bring gigabytes of CUDA).
set -eu
here=$(dirname "$0")
name=$1
envs=${TMPDIR:-/tmp}/envs
[ "${2:-}" = --envs ] && envs=$3
[ -f "$here/requirements/$name.txt" ] || { echo "There is no peer $name." >&2; exit 2; }
[ -x "$envs/$name/bin/python" ] || "${PYTHON:-python3.11}" -m venv "$envs/$name"
"$envs/$name/bin/pip" install --quiet --requirement "$here/requirements/$name.txt"
"$envs/$name/bin/python" -c "import torch, sentence_transformers; print('$name ready, torch', torch.__version__)"
