#!/usr/bin/env bash
# Builds the images of the CPU with buildah on bases made of this machine's Debian and .NET, where no container registry is at hand, starts
# Tokenizer, Generator and Gateway from them as the images say (user, no shell, no more files than the image's), and asks for an answer.
#   deploy/try-images.sh [WORK]      WORK (default a new folder, removed at the end) keeps bases and images between runs
# STORAGE_DRIVER=vfs where overlays cannot be mounted (slow: a copy for each step).
# Needs root, Debian with buildah and debootstrap, and the .NET SDK in /usr/share/dotnet. The last line is "images: ok".
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in buildah debootstrap dotnet curl; do
  command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done
if [ $# -gt 0 ]; then work=$(mkdir -p "$1" && cd "$1" && pwd); else work=$(mktemp -d); drop=$work; fi
version=0.2.0
run=$(mktemp -d "$work/run.XXXXXX")
store=(--root "$work/storage" --runroot "$run/storage" --storage-driver "${STORAGE_DRIVER:-overlay}")
buildah() { command buildah "${store[@]}" "$@"; }
containers=()
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
  wait || true
  for container in "${containers[@]}"; do buildah rm "$container" >/dev/null 2>&1 || true; done
  rm -rf "$run" "${drop:-}"
}
trap cleanup EXIT

# --- bases
icu=$(dpkg-query -W -f '${Package}\n' 'libicu[0-9]*' | head -1)
packages() { # files of Debian packages, copied to a root
  local root=$1; shift
  dpkg -L "$@" | grep -v '^/usr/share' | while read -r path; do if [ -f "$path" ]; then echo "${path#/}"; fi; done | tar -C / -cf - -T - | tar -C "$root" -xf -
}
import() { # a root folder as an image
  local container; container=$(buildah from scratch)
  buildah copy -q "$container" "$1" / >/dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit -q "$container" "$2" >/dev/null
  buildah rm "$container" >/dev/null
}
if ! buildah images -q base/sdk >/dev/null 2>&1; then
  debootstrap --variant=minbase --include="ca-certificates,$icu" "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$run/sdk" >"$run/debootstrap.log" 2>&1 \
    || { tail -5 "$run/debootstrap.log" >&2; exit 1; }
  mkdir -p "$run/sdk/usr/share"
  cp -a /usr/share/dotnet "$run/sdk/usr/share/"
  ln -s /usr/share/dotnet/dotnet "$run/sdk/usr/bin/dotnet"
  cp -aL /etc/ssl/certs/ca-certificates.crt "$run/sdk/etc/ssl/certs/"
  import "$run/sdk" base/sdk
  rm -rf "$run/sdk"
fi
base() { # the shared frameworks and what they load; a shell is not among it
  local root=$run/$1; shift
  mkdir -p "$root"/{app,etc/ssl/certs,lib,lib64,proc,root,sys,tmp,usr/bin,usr/lib,usr/share/dotnet,var/tmp}
  chmod 1777 "$root/tmp"
  packages "$root" libc6 libgcc-s1 libstdc++6 zlib1g libssl3 "$@"
  cp -a /usr/share/dotnet/{dotnet,host,shared} "$root/usr/share/dotnet/"
  ln -s /usr/share/dotnet/dotnet "$root/usr/bin/dotnet"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  printf 'root:x:0:0::/root:/none\napp:x:1654:1654::/tmp:/none\n' > "$root/etc/passwd"
  printf 'root:x:0:\napp:x:1654:\n' > "$root/etc/group"
  ldconfig -r "$root" 2>/dev/null || true
}
if ! buildah images -q base/runtime >/dev/null 2>&1; then base runtime; import "$run/runtime" base/runtime; rm -rf "$run/runtime"; fi
if ! buildah images -q base/runtime-extra >/dev/null 2>&1; then
  base extra "$icu"; import "$run/extra" base/runtime-extra; rm -rf "$run/extra"
fi

# --- images: the repository's own Dockerfiles, with other bases
feed=$(dotnet nuget locals global-packages -l | sed 's/.*: //')
build() { # image, Dockerfile, runtime base
  buildah bud -q --isolation chroot --layers --build-arg TARGETARCH=amd64 -v "$feed:/root/.nuget/packages" -f "$2" \
    --build-arg SDK_IMAGE=localhost/base/sdk --build-arg RUNTIME_IMAGE="localhost/base/$3" -t "parley/$1:$version" . >>"$run/build.log" 2>&1 || { tail -20 "$run/build.log" >&2; exit 1; }
  buildah images --format '{{.Name}} {{.Size}}' "parley/$1:$version"
}
build gateway services/Gateway/Dockerfile runtime
build tokenizer services/Tokenizer/Dockerfile runtime-extra
build generator services/Generator/Dockerfile runtime
build cli tools/Parley/Dockerfile runtime-extra

# --- run: the network is the host's, the files are the image's
start() { # image, environment…, -- arguments…; the container's id is in $last
  local image=$1; shift
  last=$(buildah from --pull-never "localhost/parley/$image:$version")
  containers+=("$last")
  local settings=()
  while [ "$1" != -- ]; do settings+=(--env "$1"); shift; done
  shift
  # A session of its own, so that a signal reaches all of it.
  setsid buildah "${store[@]}" run --isolation chroot "${settings[@]}" -v "$run/models:/models:rw" "$last" -- "$@" >"$run/$image.log" 2>&1 &
  pids+=($!)
}
mkdir -m 777 "$run/models"
start cli XDG_CACHE_HOME=/models -- dotnet /app/parley.dll import /app/models/demo /models/demo --precision int8
wait "${pids[-1]}" || { cat "$run/cli.log" >&2; exit 1; }
ports=($(python3 - <<'P'
import socket
held = [socket.socket() for _ in range(4)]
for one in held: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))
P
))
start tokenizer Tokenizer__PackageDirectory=/models/demo "Kestrel__Endpoints__Grpc__Url=http://127.0.0.1:${ports[0]}" -- dotnet /app/Parley.Tokenizer.dll
start generator Generator__PackageDirectory=/models/demo "Kestrel__Endpoints__Grpc__Url=http://127.0.0.1:${ports[1]}" -- dotnet /app/Parley.Generator.dll
start gateway "Gateway__TokenizerAddress=http://127.0.0.1:${ports[0]}" "Gateway__GeneratorAddress=http://127.0.0.1:${ports[1]}" \
  "Kestrel__Endpoints__Http__Url=http://127.0.0.1:${ports[2]}" "Kestrel__Endpoints__Grpc__Url=http://127.0.0.1:${ports[3]}" -- dotnet /app/Parley.Gateway.dll
gateway=$last
for _ in $(seq 300); do
  if curl -fsS "http://127.0.0.1:${ports[2]}/health" >/dev/null 2>&1; then break; fi
  sleep 0.2
done
curl -fsS "http://127.0.0.1:${ports[2]}/health" || { cat "$run"/*.log >&2; exit 1; }
echo
buildah run --isolation chroot --env "Kestrel__Endpoints__Http__Url=http://127.0.0.1:${ports[2]}" \
  --env "Kestrel__Endpoints__Grpc__Url=http://127.0.0.1:${ports[3]}" "$gateway" -- dotnet /app/Parley.Gateway.dll --check-health
curl -fsS "http://127.0.0.1:${ports[2]}/v1/chat/completions" -H 'Content-Type: application/json' \
  -d '{"messages":[{"role":"user","content":"hello"}],"max_tokens":16,"temperature":0}' | grep -o '"content": *"[^"]*"'
for image in gateway tokenizer generator cli; do
  container=$(buildah from --pull-never "localhost/parley/$image:$version"); containers+=("$container")
  root=$(buildah mount "$container")
  for shell in bin/sh bin/bash usr/bin/sh bin/busybox; do [ ! -e "$root/$shell" ] || { echo "$image has a shell: $shell" >&2; exit 1; }; done
  [ "$(buildah inspect --type image --format '{{.OCIv1.Config.User}}' "localhost/parley/$image:$version")" = 1654:1654 ] \
    || { echo "$image does not run as 1654" >&2; exit 1; }
  echo "$image: $(du -sm "$root/app" | cut -f1) MB in /app"
done
echo "images: ok"
