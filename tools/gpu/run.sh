#!/usr/bin/env bash
# Checks and measures Parley on a machine with an NVIDIA driver: no .NET, no network. README.md beside it has the whole story.
#   run.sh PART [PART…]      parts: setup check-demo check-1b bench eager stack baseline report all
# Settings by environment:
#   GPU_BITS  folder with parley.tar.xz and ort-cuda.tar.xz.part* (default: this script's); may arrive in several calls
#   GPU_HOME  where everything is unpacked and made (default /tmp/parley-gpu); a part that is done there is not done again
#   OUT       where results go (default GPU_HOME/out): *.json, *.log, table.md
#   PRECISIONS (default "bf16 fp16 int4-fp16"), LONG (default 4096), BATCHES, EAGER_BATCHES, PROMPTS,
#             STREAMS, ANSWER (tokens of an answer), REQUESTS, SHAPE (default llama-3.2-1b), STACK_CONTEXT, BASELINE_ARGS
#   REHEARSAL=1  everything but the device, on the CPU (needs PARLEY=command of a parley with ONNX Runtime for the CPU)
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bits=${GPU_BITS:-$here} home=${GPU_HOME:-/tmp/parley-gpu}
out=${OUT:-$home/out}
precisions=${PRECISIONS:-bf16 fp16 int4-fp16}
shape=${SHAPE:-llama-3.2-1b} long=${LONG:-4096} batches=${BATCHES:-1 2 4 8 16 32 64 128 256} prompts=${PROMPTS:-128 512 2048} streams=${STREAMS:-1 16 64}
answer=${ANSWER:-128} requests=${REQUESTS:-2}
rehearsal=() device=cuda
if [ -n "${REHEARSAL:-}" ]; then rehearsal=(--rehearsal) device=cpu; fi
export ORT_DISABLE_TELEMETRY=1 DOTNET_gcServer=0 XDG_CACHE_HOME=$home/cache CUDA_MODULE_LOADING=LAZY
mkdir -p "$home" "$out"

say() { echo "== $*"; }

# Folders that hold CUDA 13's libraries: the system's, or those that a PyTorch for CUDA 13 has brought.
cuda_folders() {
  if [ ! -s "$home/cuda-folders" ]; then
    find / -xdev \( -name 'libcudart.so.13' -o -name 'libcublasLt.so.13' -o -name 'libcurand.so.10' -o -name 'libcuda.so.1' \) 2>/dev/null \
      | xargs -r -n1 dirname | sort -u | paste -sd: > "$home/cuda-folders"
  fi
  cat "$home/cuda-folders"
}

setup() {
  if [ -n "${PARLEY:-}" ]; then return 0; fi
  if [ ! -x "$home/parley/parley" ] && [ -f "$bits/parley.tar.xz" ]; then say unpack parley; tar -xJf "$bits/parley.tar.xz" -C "$home"; fi
  cp -n "$bits"/ort-cuda.tar.xz.part* "$home/" 2>/dev/null
  if [ ! -f "$home/parley/libonnxruntime_providers_cuda.so" ] && [ -d "${ORT_CUDA:-}" ]; then cp "$ORT_CUDA"/*.so "$home/parley/"; fi
  if [ ! -f "$home/parley/libonnxruntime_providers_cuda.so" ]; then
    if cat "$home"/ort-cuda.tar.xz.part* 2>/dev/null | xz -t 2>/dev/null; then
      say unpack ONNX Runtime for CUDA
      cat "$home"/ort-cuda.tar.xz.part* | tar -xJ -C "$home" && mv "$home"/ort-cuda/*.so "$home/parley/"
    else
      say "ONNX Runtime for CUDA is not whole yet: carry the other parts and call again"; return 3
    fi
  fi
  [ -x "$home/parley/parley" ] || { say "parley.tar.xz is missing"; return 3; }
  nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader | tee "$out/device.txt"
  say "CUDA's libraries: $(cuda_folders)"
}

# Becomes the program: what runs it in the background has the program's own process id to signal.
become_parley() {
  if [ -n "${PARLEY:-}" ]; then exec $PARLEY "$@"; fi
  export LD_LIBRARY_PATH="$home/parley:$(cuda_folders):${LD_LIBRARY_PATH:-}"
  exec "$home/parley/parley" "$@"
}

parley() ( become_parley "$@" )

checkpoint() {
  [ -f "$home/$shape/config.json" ] || parley synth "$home/$shape" --shape "$shape" || return 1
}

check() { # name, model, long
  say "check $1"
  # shellcheck disable=SC2086
  parley gpu check -m "$2" --work "$home/packages" "${rehearsal[@]}" -p $precisions --long "$3" --json "$out/check-$1.json" > "$out/check-$1.log" 2>&1
  local status=$?
  if [ $status -ne 0 ]; then grep -E 'FAILED|rror|MISSING|xception' "$out/check-$1.log" | head -40; else say "check $1: all within rounding"; fi
  return $status
}

# A job in the background does not hear an interrupt; one that does not end in time is not waited for.
stop() {
  kill -TERM "$1" 2>/dev/null
  for _ in $(seq 150); do kill -0 "$1" 2>/dev/null || return 0; sleep 0.2; done
  kill -KILL "$1" 2>/dev/null
}

bench() { # name, further arguments
  checkpoint || return 1
  local name=$1; shift
  for precision in $precisions; do
    say "bench $name $precision"
    # shellcheck disable=SC2086
    parley gpu bench -m "$home/$shape" --work "$home/packages" "${rehearsal[@]}" -p "$precision" --batches $batches --prompts $prompts --answer "$answer" \
      --json "$out/$name-$precision.json" "$@" > "$out/$name-$precision.log" 2>&1 || { tail -20 "$out/$name-$precision.log"; return 1; }
  done
}

# The three services around the same package, loaded over OpenAI HTTP on the same machine.
stack() {
  checkpoint || return 1
  local precision package port=5980
  for precision in $precisions; do
    local name=$precision
    if [ -n "${REHEARSAL:-}" ]; then name=rehearsal; fi
    package="$home/packages/$shape-$name"
    [ -f "$package/parley.json" ] || { say "stack $precision: run bench first, which makes the package"; return 1; }
    say "stack $precision"
    Generator__Device=$device Generator__Cuda__LibraryPath=$(cuda_folders) Generator__RunningSequencesMax=256 Generator__StepTokensMax=2048 \
      Generator__ContextTokensMax=${STACK_CONTEXT:-1024} Generator__PrefillChunkTokens=512 Generator__QueuedRequestsMax=1024 \
      become_parley up --model "$package" --http-port $port --grpc-port 0 > "$out/up-$precision.log" 2>&1 &
    local server=$!
    for _ in $(seq 600); do grep -q 'is ready' "$out/up-$precision.log" && break; kill -0 $server 2>/dev/null || break; sleep 0.2; done
    if ! grep -q 'is ready' "$out/up-$precision.log"; then tail -20 "$out/up-$precision.log"; stop $server; return 1; fi
    # shellcheck disable=SC2086
    parley bench serve --url http://127.0.0.1:$port --streams $streams --requests "$requests" --prompt-words 32 --max-tokens "$answer" --json \
      > "$out/stack-$precision.json" 2> "$out/stack-$precision.log"
    local status=$?
    stop $server
    if [ $status -ne 0 ]; then tail -5 "$out/stack-$precision.log"; return 1; fi
    if [ -n "${REHEARSAL:-}" ]; then break; fi
  done
}

# The seed's own way beside it: AutoModelForCausalLM.generate on the same checkpoint.
baseline() {
  checkpoint || return 1
  if ! python3 -c 'import torch, transformers' 2>/dev/null; then say "baseline: no python3 with torch and transformers; skipped"; return 0; fi
  say baseline
  python3 "$here/baseline.py" "$home/$shape" --json "$out/baseline.json" ${BASELINE_ARGS:-} 2> "$out/baseline.log" || { tail -5 "$out/baseline.log"; return 1; }
}

report() {
  if command -v python3 >/dev/null; then python3 "$here/baseline.py" --report "$out" | tee "$out/table.md"; else cat "$out"/*.log; fi
}

status=0
for part in "${@:-all}"; do
  case $part in
    setup) setup ;;
    check-demo) setup && check demo "$(dirname "$(readlink -f "${PARLEY_DEMO:-$home/parley/models/demo/config.json}")")" 800 ;;
    check-1b) setup && checkpoint && check 1b "$home/$shape" "$long" ;;
    bench) setup && bench bench ;;
    eager) setup && batches="${EAGER_BATCHES:-1 16 64}" precisions=${precisions%% *} bench eager --eager ;;
    stack) setup && stack ;;
    baseline) setup && baseline ;;
    report) report ;;
    all) for each in setup check-demo check-1b bench eager stack baseline report; do "$0" $each || { code=$?; status=$code; [ $each = setup ] && exit $code; }; done; exit $status ;;
    *) echo "unknown part $part" >&2; exit 2 ;;
  esac
  code=$?
  if [ $code -ne 0 ]; then status=$code; say "$part: failed ($code)"; fi
done
exit $status
