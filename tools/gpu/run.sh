#!/usr/bin/env bash
# Checks and measures Parley on a machine with an NVIDIA driver: no .NET, no network. README.md beside it has the whole story.
#   run.sh PART [PART…]      parts: setup check-demo check-1b bench eager stack baseline report all
# Settings by environment:
#   GPU_BITS  folder with parley.tar.xz and ort-cuda.tar.xz.part* (default: this script's); may arrive in several calls
#   GPU_HOME  where everything is unpacked and made (default /tmp/parley-gpu); a part that is done there is not done again
#   OUT       where results go (default GPU_HOME/out): *.json, *.log, table.md
#   LIMIT     seconds that one command of a part may take (default 240); BUDGET seconds for all parts of this call (default 3600):
#             what would begin behind it is skipped, the report is written all the same
#   PRECISIONS (default "bf16 fp16 int4-fp16"), LONG (default 4096), BATCHES, EAGER_BATCHES, PROMPTS, ATTENTION_1B (default paged),
#             STREAMS, ANSWER (tokens of an answer), REQUESTS, SHAPE (default llama-3.2-1b), STACK_CONTEXT, BASELINE_ARGS
#   CUDA_COMPAT=1  use a libcuda.so.1 of CUDA's compat folder, too (a driver older than 580)
#   REHEARSAL=1  everything but the device, on the CPU (needs PARLEY=command of a parley with ONNX Runtime for the CPU)
# Ends with 0; 1: a part failed or was skipped; 2: no such part; 3: something has still to be carried here; 4: no CUDA to be had.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bits=${GPU_BITS:-$here} home=${GPU_HOME:-/tmp/parley-gpu}
out=${OUT:-$home/out}
precisions=${PRECISIONS:-bf16 fp16 int4-fp16}
shape=${SHAPE:-llama-3.2-1b} long=${LONG:-4096} batches=${BATCHES:-1 2 4 8 16 32 64 128 256} prompts=${PROMPTS:-128 512 2048} streams=${STREAMS:-1 16 64}
answer=${ANSWER:-128} requests=${REQUESTS:-2} limit=${LIMIT:-240} budget=${BUDGET:-3600}
rehearsal=() device=cuda
if [ -n "${REHEARSAL:-}" ]; then rehearsal=(--rehearsal) device=cpu; fi
export ORT_DISABLE_TELEMETRY=1 DOTNET_gcServer=0 XDG_CACHE_HOME=$home/cache CUDA_MODULE_LOADING=LAZY
mkdir -p "$home" "$out"

say() { echo "== [${SECONDS}s] $*"; }

# Seconds that a command may take now: its own limit, or what is left of the whole.
allowed() { local left=$((budget - SECONDS)); echo $((left < limit ? (left > 1 ? left : 1) : limit)); }

# Folders that hold CUDA 13's libraries: the system's, or those that a PyTorch for CUDA 13 has brought. The driver's own libcuda goes
# first by itself: those of compat and stubs folders do not fit every driver.
cuda_folders() {
  if [ ! -s "$home/cuda-folders" ]; then
    local unfit='/(compat|stubs)(/|$)'
    if [ -n "${CUDA_COMPAT:-}" ]; then unfit='/stubs(/|$)'; fi
    timeout 60 find / \( -path /proc -o -path /sys -o -path /dev \) -prune -o \
      \( -name libcudart.so.13 -o -name libcublasLt.so.13 -o -name libcurand.so.10 -o -name libcuda.so.1 \) -print 2>/dev/null \
      | xargs -r -n1 dirname | grep -Ev "$unfit" | sort -u | paste -sd: > "$home/cuda-folders"
  fi
  cat "$home/cuda-folders"
}

# xz is not everywhere; Python has it, too.
unxz_stream() {
  if command -v xz >/dev/null; then xz -dc; else python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.stdin.buffer), sys.stdout.buffer)'; fi
}

setup() {
  if [ -n "${PARLEY:-}" ]; then return 0; fi
  if [ ! -x "$home/parley/parley" ] && [ -f "$bits/parley.tar.xz" ]; then say unpack parley; unxz_stream < "$bits/parley.tar.xz" | tar -x -C "$home"; fi
  [ -x "$home/parley/parley" ] || { say "parley.tar.xz is missing or broken"; return 3; }
  if [ ! -f "$home/parley/libonnxruntime_providers_cuda.so" ] && [ -d "${ORT_CUDA:-}" ]; then cp "$ORT_CUDA"/*.so "$home/parley/"; fi
  if [ ! -f "$home/parley/libonnxruntime_providers_cuda.so" ]; then
    cp -n "$bits"/ort-cuda.tar.xz.part* "$home/" 2>/dev/null
    say unpack ONNX Runtime for CUDA
    rm -rf "$home/ort-cuda"
    if cat "$home"/ort-cuda.tar.xz.part* 2>/dev/null | unxz_stream 2>/dev/null | tar -x -C "$home" 2>/dev/null; then
      mv "$home"/ort-cuda/*.so "$home/parley/"
    else
      say "ONNX Runtime for CUDA is not whole yet: carry the other parts and call again"; return 3
    fi
  fi
  say "CUDA's libraries: $(cuda_folders)"
  if [ -s "$home/probed" ]; then return 0; fi
  nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader 2>&1 | tee "$out/device.txt"
  if parley gpu probe > "$home/probe.txt" 2>&1; then
    tee -a "$out/device.txt" < "$home/probe.txt"; mv "$home/probe.txt" "$home/probed"
  else
    tee -a "$out/device.txt" < "$home/probe.txt"; rm -f "$home/cuda-folders"; say "no CUDA to be had: nothing is run"; return 4
  fi
}

# Becomes the program: what runs it in the background has the program's own process id to signal.
become_parley() {
  if [ -z "${PARLEY:-}" ]; then
    export LD_LIBRARY_PATH="$home/parley:$(cuda_folders):${LD_LIBRARY_PATH:-}"
    exec "$home/parley/parley" "$@"
  fi
  # shellcheck disable=SC2086
  exec $PARLEY "$@"
}

# Runs it, for as long as is allowed: 124 then.
parley() {
  if [ -z "${PARLEY:-}" ]; then
    LD_LIBRARY_PATH="$home/parley:$(cuda_folders):${LD_LIBRARY_PATH:-}" timeout -k 10 "$(allowed)" "$home/parley/parley" "$@"
  else
    # shellcheck disable=SC2086
    timeout -k 10 "$(allowed)" $PARLEY "$@"
  fi
}

checkpoint() {
  [ -f "$home/$shape/config.json" ] && return 0
  say "synth $shape"
  parley synth "$home/$shape" --shape "$shape" > "$out/synth.log" 2>&1 || { rm -rf "${home:?}/$shape"; tail -5 "$out/synth.log"; return 1; }
}

# Each precision alone: one that fails or takes too long leaves the others' results. JSON grows while a command runs.
check() { # name, model, long, attentions
  local status=0 precision log
  for precision in $precisions; do
    say "check $1 $precision"
    log="$out/check-$1-$precision.log"
    # shellcheck disable=SC2086
    parley gpu check -m "$2" --work "$home/packages" "${rehearsal[@]}" -p "$precision" --long "$3" --attention $4 \
      --json "$out/check-$1-$precision.json" > "$log" 2>&1
    local code=$?
    if [ $code -eq 0 ]; then say "check $1 $precision: all within rounding"; continue; fi
    status=1
    say "check $1 $precision: failed ($code)"
    grep -E 'FAILED|rror|MISSING|xception' "$log" | head -20
  done
  return $status
}

# A job in the background does not hear an interrupt; one that does not end in time is not waited for.
stop() {
  kill -TERM "$1" 2>/dev/null
  for _ in $(seq 75); do kill -0 "$1" 2>/dev/null || return 0; sleep 0.2; done
  kill -KILL "$1" 2>/dev/null
}

bench() { # name, precisions, batches, further arguments
  local name=$1 which=$2 sizes=$3 status=0 precision; shift 3
  checkpoint || return 1
  for precision in $which; do
    say "$name $precision"
    # shellcheck disable=SC2086
    parley gpu bench -m "$home/$shape" --work "$home/packages" "${rehearsal[@]}" -p "$precision" --batches $sizes --prompts $prompts --answer "$answer" \
      --json "$out/$name-$precision.json" "$@" > "$out/$name-$precision.log" 2>&1 || { status=1; say "$name $precision: failed"; tail -20 "$out/$name-$precision.log"; }
  done
  return $status
}

# The three services around the same package, loaded over OpenAI HTTP on the same machine.
stack_one() { # precision
  local precision=$1 name=$1 package port=5980 server status
  if [ -n "${REHEARSAL:-}" ]; then name=rehearsal; fi
  package="$home/packages/$shape-$name"
  [ -f "$package/parley.json" ] || { say "stack $precision: run bench first, which makes the package"; return 1; }
  say "stack $precision"
  Generator__Device=$device Generator__Cuda__LibraryPath=$(cuda_folders) Generator__RunningSequencesMax=256 Generator__StepTokensMax=2048 \
    Generator__ContextTokensMax=${STACK_CONTEXT:-1024} Generator__PrefillChunkTokens=512 Generator__QueuedRequestsMax=1024 \
    become_parley up --model "$package" --http-port $port --grpc-port 0 > "$out/up-$precision.log" 2>&1 &
  server=$!
  for _ in $(seq 600); do grep -q 'is ready' "$out/up-$precision.log" && break; kill -0 $server 2>/dev/null || break; sleep 0.2; done
  if ! grep -q 'is ready' "$out/up-$precision.log"; then say "stack $precision: not ready"; tail -20 "$out/up-$precision.log"; stop $server; return 1; fi
  # shellcheck disable=SC2086
  parley bench serve --url http://127.0.0.1:$port --streams $streams --requests "$requests" --prompt-words 32 --max-tokens "$answer" --json \
    > "$out/stack-$precision.new" 2> "$out/stack-$precision.log"
  status=$?
  stop $server
  if [ $status -ne 0 ]; then say "stack $precision: failed ($status)"; tail -5 "$out/stack-$precision.log"; return 1; fi
  mv "$out/stack-$precision.new" "$out/stack-$precision.json"
}

stack() {
  local status=0 precision
  for precision in $precisions; do
    stack_one "$precision" || status=1
    if [ -n "${REHEARSAL:-}" ]; then break; fi
  done
  return $status
}

# The seed's own way beside it: AutoModelForCausalLM.generate on the same checkpoint.
baseline() {
  checkpoint || return 1
  if ! timeout 120 python3 -c 'import torch, transformers' 2>"$out/baseline.log"; then
    say "baseline: no python3 with torch and transformers ($(tail -1 "$out/baseline.log")); skipped"; return 0
  fi
  say baseline
  # shellcheck disable=SC2086
  timeout -k 10 "$(allowed)" python3 "$here/baseline.py" "$home/$shape" --json "$out/baseline.json" ${BASELINE_ARGS:-} 2> "$out/baseline.log" \
    || { local code=$?; tail -5 "$out/baseline.log"; say "baseline: ended with $code; what it had measured is kept"; return 1; }
}

report() {
  if command -v python3 >/dev/null && python3 "$here/baseline.py" --report "$out" > "$out/table.md"; then cat "$out/table.md"; else cat "$out"/*.log; fi
}

run_part() {
  case $1 in
    setup) ;;
    check-demo) check demo "$(dirname "$(readlink -f "${PARLEY_DEMO:-$home/parley/models/demo/config.json}")")" 800 "paged group-query" ;;
    check-1b) checkpoint && check 1b "$home/$shape" "$long" "${ATTENTION_1B:-paged}" ;;
    bench) bench bench "$precisions" "$batches" ;;
    eager) bench eager "${precisions%% *}" "${EAGER_BATCHES:-1 16 64}" --eager ;;
    stack) stack ;;
    baseline) baseline ;;
    *) echo "unknown part $1" >&2; return 2 ;;
  esac
}

parts=("${@:-all}") status=0
if [ "${parts[*]}" = all ]; then parts=(setup check-demo check-1b bench eager stack baseline report); fi
if [ "${parts[*]}" != report ]; then
  setup || { code=$?; say "setup: ended with $code"; exit $code; }
fi
for part in "${parts[@]}"; do
  if [ "$part" = report ]; then report; continue; fi
  if [ $SECONDS -ge $((budget - 10)) ]; then say "$part: no time left; skipped"; status=1; continue; fi
  run_part "$part" || { code=$?; say "$part: failed ($code)"; status=$((code == 2 ? 2 : 1)); }
done
exit $status
