#!/usr/bin/env bash
# Publishes the command line as one self-contained file for each system: OUT/RID/parley, and the sizes.
#   deploy/single-files.sh [OUT] [RID…]     default: artifacts/single, and the four that are released
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-artifacts/single}
shift || true
rids=("$@")
[ ${#rids[@]} -gt 0 ] || rids=(linux-x64 linux-arm64 win-x64 osx-arm64)
for rid in "${rids[@]}"; do
  rm -rf "${out:?}/$rid"
  # A property of our own: the services, which Parley.Embedded takes for no system in particular, would take the other as theirs.
  # Build folders of their own: what is restored for a system stays out of everybody else's.
  dotnet publish tools/Parley -c Release -r "$rid" -p:ParleySingleFile=true -p:ArtifactsPath="$PWD/artifacts/single-build" \
    -o "$out/$rid" -v q --nologo --disable-build-servers
  files=("$out/$rid"/*)
  if [ ${#files[@]} -ne 1 ]; then
    echo "$rid: more than one file: ${files[*]}" >&2
    exit 1
  fi
  echo "$rid: $(du -b --apparent-size "${files[0]}" | cut -f1) bytes, ${files[0]}"
done
