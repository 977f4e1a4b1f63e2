#!/usr/bin/env bash
# Microsoft.ML.OnnxRuntime.Gpu.Linux 1.31.0 (NuGet, CUDA 13): libonnxruntime_providers_cuda.so holds native code for compute
# capability 7.5, 8.0, 8.6, 8.9, 9.0 and 12.0, and no PTX at all. Native code runs on cards of the same major number only, and
# without PTX the driver has nothing to compile from. So a GeForce of the Blackwell generation (12.0) is served, and the Blackwell
# cards of data centres (10.x: B100, B200, GB200) and Thor (11.0) are not: every kernel must fail with "no kernel image is
# available for execution on the device", though driver, CUDA and the card are newer than all that the package asks for.
# Read from the headers of the fat binaries, not run on such a card.
#
# Seen on 2026-11-29:
#   609 fat binaries
#   native 7.5: 217
#   native 8.0: 308
#   native 8.6: 308
#   native 8.9: 308
#   native 9.0: 600
#   native 12.0: 317
# Needs: a .NET 10 SDK with a NuGet feed (160 MB download), python3. Fails when what it sees changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/probe.csproj" <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
  <ItemGroup><PackageReference Include="Microsoft.ML.OnnxRuntime.Gpu.Linux" Version="[1.31.0]" /></ItemGroup>
</Project>
XML
dotnet restore "$work/probe.csproj" --packages "$work/packages" >"$work/restore.log" 2>&1 || { cat "$work/restore.log" >&2; exit 2; }
library=$(find "$work/packages" -name libonnxruntime_providers_cuda.so)

# A fat binary: magic, version 1, header length 16, payload length; then entries: kind (1 PTX, 2 native), version, header length,
# payload length, and at byte 28 the compute capability times ten.
python3 - "$library" > "$work/seen" <<'PY'
import collections, mmap, struct, sys

file = open(sys.argv[1], "rb")
data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
binaries, entries, position = 0, collections.Counter(), 0
while (start := data.find(struct.pack("<I", 0xBA55ED50), position)) >= 0:
    version, header, payload = struct.unpack_from("<HHQ", data, start + 4)
    if (version, header) != (1, 16):
        position = start + 4
        continue
    binaries += 1
    entry, position = start + header, start + header + payload
    while entry < position:
        kind, _, header, payload = struct.unpack_from("<HHIQ", data, entry)
        if kind not in (1, 2):
            break
        capability = struct.unpack_from("<I", data, entry + 28)[0]
        entries[("PTX" if kind == 1 else "native", capability)] += 1
        entry += header + payload
print(binaries, "fat binaries")
for (kind, capability), count in sorted(entries.items(), key=lambda item: item[0][1]):
    print(f"{kind} {capability // 10}.{capability % 10}: {count}")
PY
cat "$work/seen"
diff "$work/seen" - <<'EXPECTED'
609 fat binaries
native 7.5: 217
native 8.0: 308
native 8.6: 308
native 8.9: 308
native 9.0: 600
native 12.0: 317
EXPECTED
echo "as stated"
