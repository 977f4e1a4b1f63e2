#!/usr/bin/env bash
# Packs what a GPU machine needs into a folder. Needs the .NET SDK; no GPU.
#   tools/gpu/pack.sh [OUT]
# OUT (default .gpu) gets run.sh, baseline.py and parley.tar.xz, a self-contained publish. Where ONNX Runtime for CUDA comes from:
#   ORT=nuget   the package feed, inside of parley.tar.xz: every architecture, too large for a transfer of 64 MiB a call
#   ORT=shared  ORT_PARTS (default ../shared/gpu: ort-cuda.tar.xz.part*), copied beside parley.tar.xz: Hopper only, in parts of at most 31 MiB
# Default: nuget where the feed gives it, else shared.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-.gpu} parts=${ORT_PARTS:-../shared/gpu}
publish=$(mktemp -d)
trap 'rm -rf "$publish"' EXIT

from=${ORT:-}
if [ -z "$from" ]; then
  if dotnet restore tools/Parley -r linux-x64 -p:OnnxRuntime=Gpu -v q --nologo; then from=nuget; else from=shared; fi
fi
case $from in
  nuget) flavour=Gpu level=1 ;; # nobody counts its megabytes
  shared)
    flavour=Cpu level=6
    ls "$parts"/ort-cuda.tar.xz.part* >/dev/null 2>&1 || { echo "no ort-cuda.tar.xz.part* in $parts: name the folder in ORT_PARTS" >&2; exit 1; } ;;
  *) echo "ORT is '$from'; it is nuget or shared" >&2; exit 1 ;;
esac

echo "ONNX Runtime for CUDA: $from"
dotnet publish tools/Parley -c Release -r linux-x64 --self-contained -p:OnnxRuntime=$flavour \
  -p:InvariantGlobalization=true -o "$publish/parley" -v q --nologo
# Documentation is not code.
rm -f "$publish"/parley/*.pdb "$publish"/parley/*.xml
mkdir -p "$out"
# What another choice has left here would be found first.
rm -f "$out"/parley.tar.xz "$out"/ort-cuda.tar.xz.part*
if [ "$from" = shared ]; then
  # The parts bring libraries of the same names; the CPU's would win over them.
  rm -f "$publish"/parley/libonnxruntime*.so
  cp "$parts"/ort-cuda.tar.xz.part* "$out/"
fi
tar -C "$publish" -c parley | xz -T0 -$level > "$out/parley.tar.xz"
cp tools/gpu/run.sh tools/gpu/baseline.py "$out/"
ls -l "$out"
