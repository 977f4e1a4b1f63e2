using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Reflection.V1;

namespace Parley.EndToEnd.Tests.Reflection;

/// <summary>A server as a client sees it that has none of its files: everything is asked for by reflection.</summary>
internal sealed class ReflectedServer(GrpcChannel channel)
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes);

    private readonly ServerReflection.ServerReflectionClient _reflection = new(channel);

    public async Task<IReadOnlyList<string>> ListAsync()
    {
        var answer = await AskAsync(new ServerReflectionRequest { ListServices = "" });
        return [.. answer.ListServicesResponse.Service.Select(service => service.Name)];
    }

    /// <summary>The files in which a symbol is described, and all that they need.</summary>
    public async Task<IReadOnlyList<FileDescriptor>> DescribeAsync(string symbol)
    {
        var answer = await AskAsync(new ServerReflectionRequest { FileContainingSymbol = symbol });
        var files = answer.FileDescriptorResponse.FileDescriptorProto
            .ToDictionary(bytes => FileDescriptorProto.Parser.ParseFrom(bytes).Name);
        var ordered = new List<ByteString>();
        var seen = new HashSet<string>();
        foreach (var name in files.Keys.ToList())
            await AddAsync(name, files, seen, ordered);
        return FileDescriptor.BuildFromByteStrings(ordered);
    }

    /// <summary>Calls a method, named as <c>package.Service/Method</c>, with a message that is given as JSON.</summary>
    public async Task<IReadOnlyList<JsonObject>> CallAsync(
        string method, string json, IEnumerable<(string Name, string Value)> headers)
    {
        if (method.Split('/') is not [var serviceName, var methodName])
            throw new InvalidDataException($"{method} is no method of a service.");
        var service = (await DescribeAsync(serviceName)).SelectMany(file => file.Services).Single(one => one.FullName == serviceName);
        var found = service.FindMethodByName(methodName) ?? throw new InvalidDataException($"{serviceName} has no {methodName}.");
        var request = ReflectedMessage.Encode(JsonElement.Parse(json), found.InputType);
        var metadata = new Metadata();
        foreach (var (name, value) in headers)
            metadata.Add(name, value);
        var kind = found.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary;
        var call = new Method<byte[], byte[]>(kind, serviceName, methodName, Bytes, Bytes);
        var options = new CallOptions(metadata);
        var invoker = channel.CreateCallInvoker();
        if (!found.IsServerStreaming)
            return [ReflectedMessage.Decode(await invoker.AsyncUnaryCall(call, null, options, request), found.OutputType)];
        using var stream = invoker.AsyncServerStreamingCall(call, null, options, request);
        var answers = new List<JsonObject>();
        await foreach (var answer in stream.ResponseStream.ReadAllAsync())
            answers.Add(ReflectedMessage.Decode(answer, found.OutputType));
        return answers;
    }

    /// <summary>A file after those that it imports; what the server has not sent with it is asked for.</summary>
    private async Task AddAsync(string name, Dictionary<string, ByteString> files, HashSet<string> seen, List<ByteString> ordered)
    {
        if (!seen.Add(name))
            return;
        if (!files.TryGetValue(name, out var bytes))
        {
            var answer = await AskAsync(new ServerReflectionRequest { FileByFilename = name });
            bytes = files[name] = answer.FileDescriptorResponse.FileDescriptorProto[0];
        }

        foreach (var import in FileDescriptorProto.Parser.ParseFrom(bytes).Dependency)
            await AddAsync(import, files, seen, ordered);
        ordered.Add(bytes);
    }

    private async Task<ServerReflectionResponse> AskAsync(ServerReflectionRequest request)
    {
        using var call = _reflection.ServerReflectionInfo();
        await call.RequestStream.WriteAsync(request);
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        var answer = call.ResponseStream.Current;
        await call.RequestStream.CompleteAsync();
        Assert.True(answer.ErrorResponse is null, $"{request}: {answer.ErrorResponse?.ErrorMessage}");
        return answer;
    }
}
