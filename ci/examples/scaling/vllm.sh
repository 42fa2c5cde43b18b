#!/bin/sh
# One replica: sh vllm.sh [PORT [options of vllm serve]]. All GPUs of a machine behind one address:
# sh vllm.sh 8000 --data-parallel-size 8
port=${1:-8000}
[ $# -gt 0 ] && shift
exec vllm serve "${MODEL:-vvangfaye/SocioReasoner-3B}" --port "$port" --dtype bfloat16 --generation-config vllm \
  --max-model-len 8192 --limit-mm-per-prompt '{"image": {"count": 2, "width": 756, "height": 756}, "video": 0}' \
  --mm-processor-kwargs '{"min_pixels": 3136, "max_pixels": 12845056}' "$@"
