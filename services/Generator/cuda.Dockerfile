# The Generator on an NVIDIA GPU: linux-x64, CUDA 13 (driver 580 or newer). The driver comes from the node.
# Context: the repository. docs/deploy.md says how to build, pin and publish it.
#   docker build -f services/Generator/cuda.Dockerfile -t parley/generator-cuda:0.2.0 .
# A release pins both bases by digest: --build-arg SDK_IMAGE=NAME@sha256:… --build-arg RUNTIME_IMAGE=NAME@sha256:…
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0.401-noble
ARG RUNTIME_IMAGE=mcr.microsoft.com/dotnet/aspnet:10.0.12-noble-chiseled
ARG CUDA_IMAGE=docker.io/nvidia/cuda:13.0.2-runtime-ubuntu24.04

FROM ${SDK_IMAGE} AS build
ENV DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false MSBUILDDISABLENODEREUSE=1
WORKDIR /src
COPY .config/ .config/
COPY .editorconfig BannedSymbols.txt Directory.Build.props Directory.Build.targets Directory.Packages.props LICENSE global.json ./
COPY protos/ protos/
COPY tools/PackageFormat/ tools/PackageFormat/
COPY tools/TokenizerFormat/ tools/TokenizerFormat/
COPY services/ServiceDefaults/ services/ServiceDefaults/
COPY services/Generator/ services/Generator/
ARG TARGETARCH
ARG SOURCE_DATE_EPOCH=0
RUN dotnet publish services/Generator -c Release -a "${TARGETARCH:-amd64}" --no-self-contained -p:OnnxRuntime=Gpu \
      -p:UseAppHost=false -p:ContinuousIntegrationBuild=true -p:DebugType=none -o out \
    && cp LICENSE out/ \
    && find out -name '*.xml' -delete \
    && find out -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
RUN dotnet tool restore \
    && OnnxRuntime=Gpu dotnet dotnet-CycloneDX services/Generator/Generator.csproj -o sbom -fn generator-cuda.cdx.json \
      -F Json -ns -sn generator-cuda -sv 0.2.0 -st Application -dpr

# docker build --target sbom --output DIR: the bill of materials beside the image, not inside, so that its date changes no layer.
FROM scratch AS sbom
COPY --from=build /src/sbom/ /

# The four libraries that docs/cuda.md names, each once, under the name that is looked for.
FROM ${CUDA_IMAGE} AS cuda
RUN mkdir /libraries && for name in libcudart.so.13 libcublas.so.13 libcublasLt.so.13 libcurand.so.10 ; do \
      cp -L "/usr/local/cuda/lib64/$name" /libraries/ || exit 1; done

FROM ${RUNTIME_IMAGE} AS final
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="parley-generator-cuda" \
      org.opencontainers.image.description="Parley Generator: batched generation on an NVIDIA GPU" \
      org.opencontainers.image.vendor="The Parley authors" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY --from=cuda /libraries/ /usr/local/cuda/lib64/
COPY --from=build /src/out/ ./
ENV DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 \
    DOTNET_CLI_TELEMETRY_OPTOUT=1 \
    ORT_DISABLE_TELEMETRY=1 \
    Generator__Device=cuda \
    Generator__Cuda__LibraryPath=/usr/local/cuda/lib64 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 1654:1654
EXPOSE 5083
ENTRYPOINT ["dotnet", "/app/Parley.Generator.dll"]
