using Grpc.Core;
using Parley.Generator.V1;
using Parley.ServiceDefaults;

namespace Parley.Gateway.Tests.Doubles;

/// <summary>The part of a Generator that loads adapters: any path but <c>missing</c> holds one.</summary>
internal sealed class FakeAdapters(FakeGenerator generator) : Adapters.AdaptersBase
{
    public override Task<LoadAdapterResponse> Load(LoadAdapterRequest request, ServerCallContext context)
    {
        if (request.Path == "missing")
            throw RpcFaults.Create(StatusCode.InvalidArgument, message: null, [("path", "there is no such folder.")]);
        var replaced = generator.Adapters.Contains(request.Name);
        if (!replaced)
            generator.Adapters.Add(request.Name);
        return Task.FromResult(new LoadAdapterResponse { Replaced = replaced, SequencesLeft = replaced ? 2u : 0 });
    }

    public override Task<UnloadAdapterResponse> Unload(UnloadAdapterRequest request, ServerCallContext context) =>
        generator.Adapters.Remove(request.Name) ? Task.FromResult(new UnloadAdapterResponse { SequencesLeft = 1 })
            : throw RpcFaults.Create(StatusCode.NotFound, message: null, [("name", $"no adapter '{request.Name}' is served.")]);
}
