#!/usr/bin/env bash
# Packs what a GPU machine needs into a folder, in parts that a transfer of 64 MiB a call can carry. Needs the .NET SDK; no GPU.
#   tools/gpu/pack.sh [OUT] [ORT_PARTS]
# OUT (default .gpu) gets: parley.tar.xz (self-contained publish without ONNX Runtime's CPU library), run.sh, baseline.py, and the parts of a
# CUDA build of ONNX Runtime copied from ORT_PARTS (default ../shared/gpu: ort-cuda.tar.xz.part*), where that folder is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-.gpu} parts=${2:-../shared/gpu}
publish=$(mktemp -d)
trap 'rm -rf "$publish"' EXIT
mkdir -p "$out"
dotnet publish tools/Parley -c Release -r linux-x64 --self-contained -p:DebugType=none \
  -p:InvariantGlobalization=true -o "$publish/parley" -v q --nologo
# The CUDA build brings the library of the same name; the CPU's would win over it. Documentation is not code.
rm -f "$publish"/parley/libonnxruntime*.so "$publish"/parley/*.pdb "$publish"/parley/*.xml
tar -C "$publish" -c parley | xz -T0 -6 > "$out/parley.tar.xz"
cp tools/gpu/run.sh tools/gpu/baseline.py "$out/"
if ls "$parts"/ort-cuda.tar.xz.part* >/dev/null 2>&1; then cp -n "$parts"/ort-cuda.tar.xz.part* "$out/"; fi
ls -l "$out"
