#!/usr/bin/env bash
# A training that survives time limits, preemption, node failure and `kill -9`. Text for a string.Template whose
# delimiter is the at-sign (doubled where it is meant itself), as bash needs dollars and braces. To be filled in:
#
#   name       name of the job, not "bash" or "interactive"
#   nodes      number of nodes
#   tasks      tasks a node = GPUs a node, or processes on CPUs
#   cpus       CPUs a task
#   time       time limit, [days-]hours:minutes:seconds
#   lead       seconds before the time limit at which the training is asked to save and stop
#   log        pattern of the log files, absolute, e.g. /runs/a-001/slurm/logs/%j.out or .../%A_%a.out
#   options    further whole lines "#SBATCH --option=value" (partition, account, mem, gpus-per-node, array, ...), or ""
#   setup      lines of the site: modules, exports, or ""
#   state      folder, absolute, of requeue, stop and tries; quoted for the shell; may hold ${SLURM_ARRAY_TASK_ID}
#   container  what stands before the command, e.g. apptainer exec --nv dlkit.sif, or ""
#   command    the command of every try, quoted for the shell: python -m dlkit fit --into RUN; elements of an array
#                 read theirs by: bash -c "exec $(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" TASKS)"
#   tries      how many tries may begin at the same step before it is given up, e.g. 10
#
#SBATCH --job-name=@{name}
#SBATCH --nodes=@{nodes}
#SBATCH --ntasks-per-node=@{tasks}
#SBATCH --cpus-per-task=@{cpus}
#SBATCH --time=@{time}
#SBATCH --signal=B:USR2@@@{lead}
#SBATCH --output=@{log}
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --kill-on-invalid-dep=yes
@{options}

# Slurm copies the script when it is submitted: this text is what runs, whatever becomes of the file.
export DLKIT_SLURM_FOLDER=@{state}
mkdir -p "$DLKIT_SLURM_FOLDER"
cd "$DLKIT_SLURM_FOLDER" || exit 1
try=$((${SLURM_RESTART_COUNT:-0} + 1))
job=${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}
rm -f requeue stop
say() { printf '[job %s, try %s, %s] %s\n' "$job" "$try" "$(date '+%F %T')" "$*"; }

# A job that comes back to the same step again and again is given up. `progress` is written with every checkpoint.
[ "$try" -gt 1 ] || rm -f tries
progress=$(cat progress 2>/dev/null || echo 0)
printf '%s %s %s %s\n' "$progress" "$try" "$SLURM_JOB_NODELIST" "$(date '+%F %T')" >>tries
same=$(awk -v now="$progress" '{ n = $1 == now ? n + 1 : 0 } END { print n }' tries)
if [ "$same" -gt @{tries} ]; then
  say "given up: @{tries} tries began at step $progress and came no further; see the log above."
  exit 1
fi

# scancel sends TERM here, preemption and the time limit send it to the ranks only: after TERM nothing is requeued.
# The traps only note what came; `wait` returns at once when one runs, and is called again.
came="" cancelled=""
trap 'came=yes cancelled=yes' TERM
trap 'came=yes; touch stop' USR1 USR2

export MASTER_PORT=$((20000 + (SLURM_JOB_ID * 7 + try * 1009) % 10000))
export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$SLURM_CPUS_PER_TASK}
@{setup}
say "begins on $SLURM_JOB_NODELIST from step $progress"

# A signal that comes before Python has its handlers would kill it: the shell ignores them, exec keeps that.
# When one rank dies the others are killed at once; when one ends, the others have a minute.
srun --kill-on-bad-exit=1 --wait=60 --chdir="$SLURM_SUBMIT_DIR" \
  bash -c 'trap "" TERM USR1 USR2; exec "$@@"' rank @{container} @{command} &
step=$!
while :; do
  came=""
  wait "$step"
  rc=$?
  [ -n "$came" ] || break
done

state=$(scontrol show job -o "$job" 2>/dev/null | sed -n 's/.* JobState=\([A-Z_]*\).*/\1/p')
say "ended with code $rc, state ${state:-unknown}${cancelled:+, cancelled}"
why=""
[ ! -e requeue ] || why="saved and asked to go on"
# Killed by somebody, or for its memory: it goes on from its newest checkpoint, but not twice from the same step.
if [ "$rc" -eq 137 ] && { [ "$same" -lt 2 ] || [ "$(cat progress 2>/dev/null || echo 0)" != "$progress" ]; }; then
  why="killed"
fi
if [ -n "$why" ] && [ -z "$cancelled" ] && [ "$state" = RUNNING ]; then
  say "$why: requeued"
  scontrol requeue "$job" && sleep 60 # Slurm ends the script here
fi
exit "$rc"
