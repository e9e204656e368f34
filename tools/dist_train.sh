#!/usr/bin/env bash
# Train with several processes on one or more machines, GPUs or not:
#   tools/dist_train.sh CONFIG PROCESSES [options of tools/train.py]
# More machines: NNODES, NODE_RANK, MASTER_ADDR, PORT in the environment.
set -euo pipefail
if [ $# -lt 2 ]; then
  echo "usage: $0 CONFIG PROCESSES [options of tools/train.py]" >&2
  exit 2
fi
config=$1
processes=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
PYTHONPATH="$here/..${PYTHONPATH:+:$PYTHONPATH}" \
exec python -m torch.distributed.run \
  --nnodes="${NNODES:-1}" \
  --node_rank="${NODE_RANK:-0}" \
  --master_addr="${MASTER_ADDR:-127.0.0.1}" \
  --master_port="${PORT:-29500}" \
  --nproc_per_node="$processes" \
  "$here/train.py" "$config" --launcher pytorch "$@"
