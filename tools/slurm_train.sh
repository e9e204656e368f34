#!/usr/bin/env bash
# Train on a slurm cluster:
#   GPUS=4 tools/slurm_train.sh PARTITION JOB_NAME CONFIG [options]
# GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS in the environment. GPUS=0 with
# NTASKS=<processes> trains without GPUs.
set -euo pipefail
if [ $# -lt 3 ]; then
  echo "usage: $0 PARTITION JOB_NAME CONFIG [options of tools/train.py]" >&2
  exit 2
fi
partition=$1
job=$2
config=$3
shift 3
gpus=${GPUS:-8}
here=$(cd "$(dirname "$0")" && pwd)
if [ "$gpus" -gt 0 ]; then
  per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
  resources=(--gres="gpu:$per_node" --ntasks="$gpus"
             --ntasks-per-node="$per_node")
else
  resources=(--ntasks="${NTASKS:-1}")
fi
# shellcheck disable=SC2086
PYTHONPATH="$here/..${PYTHONPATH:+:$PYTHONPATH}" \
exec srun -p "$partition" --job-name="$job" "${resources[@]}" \
  --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 \
  ${SRUN_ARGS:-} \
  python -u "$here/train.py" "$config" --launcher slurm "$@"
