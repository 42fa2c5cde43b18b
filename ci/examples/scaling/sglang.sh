#!/bin/sh
# One replica: sh sglang.sh [PORT [options of sglang]]
port=${1:-8000}
[ $# -gt 0 ] && shift
exec python3 -m sglang.launch_server --model-path "${MODEL:-vvangfaye/SocioReasoner-3B}" --host 0.0.0.0 --port "$port" \
  --dtype bfloat16 --sampling-defaults openai --enable-deterministic-inference --context-length 8192 \
  --limit-mm-data-per-request '{"image": 2}' \
  --mm-process-config '{"image": {"min_pixels": 3136, "max_pixels": 12845056}}' "$@"
