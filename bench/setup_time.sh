#!/usr/bin/env bash
# A stranger's first five minutes: how long, and how many megabytes?
#
# usage: bench/setup_time.sh [--source index|hub] [--no-test] [--keep]
#
# Clones this repository into a new folder, with an empty HOME (so pip has no cache) and an empty GAKJU_HOME. Then:
#   make run    seconds until http://127.0.0.1:PORT answers, and until a Korean question to the samples is answered
#   make run    again, everything being there: seconds until the address answers
#   make test   seconds and pytest's last line
# Megabytes are what came in by the network interfaces but loopback (/proc/net/dev); the packages by pip's log, which
# counts those from a folder on this machine too; and what lies on the disk. Uncommitted changes are not measured.
set -euo pipefail

source=hub test=yes keep=no
while [ $# -gt 0 ]; do
  case $1 in
    --source) source=$2; shift 2 ;;
    --no-test) test=no; shift ;;
    --keep) keep=yes; shift ;;
    *) sed -n '2,11s/^# \{0,1\}//p' "$0"; [ "$1" = -h ] || [ "$1" = --help ]; exit ;;
  esac
done

here=$(cd "$(dirname "$0")/.." && pwd)
python=$(command -v "${PYTHON:-python3}")
work=$(mktemp -d)
server=""
finish() {
  [ -z "$server" ] || kill -- "-$server" 2>/dev/null || true
  [ "$keep" = yes ] && echo "kept in $work" || rm -rf "$work"
}
trap finish EXIT

port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
received() { awk -F'[: ]+' 'NR > 2 { sub(/^ +/, ""); if ($1 != "lo") sum += $2 } END { print sum }' /proc/net/dev; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }
megabytes() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.0f", (b - a) / 1e6 }'; }
wheels() { # MB that pip downloaded, and MB of the files that it took from this machine
  sed -nE 's/.*Downloading .*\(([0-9.]+) ([kM]?)B\).*/\1 \2/p' "$work/pip.log" |
    awk '{ sum += $1 * ($2 == "M" ? 1 : $2 == "k" ? 1e-3 : 1e-6) } END { printf "%.0f MB downloaded", sum }'
  sed -nE 's/.*Processing (\/.*\.whl).*/\1/p' "$work/pip.log" | sort -u | xargs -r stat -c %s |
    awk '{ sum += $1 } END { printf ", %.0f MB taken from this machine", sum / 1e6 }'
}
# What a stranger has: a path, a language, a way to the network. Nothing cached, nothing of ours set.
clean() {
  env -i PATH="$PATH" LANG=C.UTF-8 HOME="$work/home" GAKJU_HOME="$work/data" GAKJU_PORT="$port" \
    GAKJU_MODEL_SOURCE="$source" PYTHON="$python" \
    PIP_LOG="$work/pip.log" $(env | grep -E '^(https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY|PIP_[A-Z_]+|SSL_CERT_FILE)=' || true) \
    "$@"
}
serve() {
  cd "$work/gakju"
  setsid env bash -c "$(declare -f clean); work='$work' port='$port' source='$source' python='$python'; clean make run" \
    >"$work/run.log" 2>&1 &
  server=$!
  until curl -fsS -o /dev/null "$url/healthz" 2>/dev/null; do
    kill -0 "$server" 2>/dev/null || { cat "$work/run.log"; exit 1; }
    sleep 0.2
  done
}
stop() { kill -TERM -- "-$server"; wait "$server" 2>/dev/null || true; server=""; }
answer() {
  until curl -fsS -m 120 -H 'content-type: application/json' \
    -d '{"question": "연차휴가는 며칠인가요?", "stream": false}' "$url/v1/ask" >"$work/answer.json" 2>/dev/null &&
    grep -q '"refused": \?false' "$work/answer.json"; do
    sleep 0.5
  done
}

mkdir -p "$work/home"
bytes=$(received); start=$(now)
git clone -q "$here" "$work/gakju"
serve
up=$(since "$start"); answer; first=$(since "$start"); after=$(received)
stop
echo "make run, fresh: address after $up s, first answer after $first s, $(megabytes "$bytes" "$after") MB received"
echo "packages: $(wheels)"
echo "on disk: environment $(du -sm "$work/gakju/.venv" | cut -f1) MiB, models $(du -sm "$work/data/models" | cut -f1) MiB"
start=$(now); serve; up=$(since "$start"); answer; first=$(since "$start"); stop
echo "make run, again: address after $up s, first answer after $first s"
if [ "$test" = yes ]; then
  bytes=$(received); start=$(now); cd "$work/gakju"; code=0
  clean make test >"$work/test.log" 2>&1 || code=$?
  echo "make test: exit $code after $(since "$start") s, $(megabytes "$bytes" "$(received)") MB received; $(tail -n 1 "$work/test.log")"
  [ "$code" = 0 ] || tail -n 40 "$work/test.log"
fi
