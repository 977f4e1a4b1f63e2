using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Parley.Aspire.Hosting;

/// <summary>
/// A Parley server of an app host: the process of <c>parley up</c>. Its connection string is
/// <c>Endpoint=ADDRESS;Key=KEY;Model=NAME</c>, with the address of its gRPC, or of all its replicas' as
/// <c>static:///HOST:PORT,HOST:PORT</c>; the key and the name stand there where the app host gives them.
/// </summary>
public sealed class ParleyResource : ExecutableResource, IResourceWithConnectionString
{
    /// <summary>Name of the endpoint of page, OpenAI's HTTP and gRPC-Web.</summary>
    public const string HttpEndpointName = "http";

    /// <summary>Name of the endpoint of gRPC.</summary>
    public const string GrpcEndpointName = "grpc";

    private readonly List<ParleyReplicaResource> _replicas = [];

    internal ParleyResource(string name, ParleyProgram program, string workingDirectory)
        : base(name, program.Command, workingDirectory) =>
        Setup = new ParleySetup { Program = program };

    /// <summary>Where page, OpenAI's HTTP (below <c>/v1</c>) and gRPC-Web are.</summary>
    public EndpointReference HttpEndpoint => this.GetEndpoint(HttpEndpointName);

    /// <summary>Where gRPC is.</summary>
    public EndpointReference GrpcEndpoint => this.GetEndpoint(GrpcEndpointName);

    /// <summary>The key that callers must send; null where none is asked for.</summary>
    public ParameterResource? ApiKey => Setup.ApiKey;

    /// <summary>The name under which the model is served; null is the model's own.</summary>
    public string? ServedName => Setup.ServedName;

    /// <summary>The further processes, which serve the same.</summary>
    public IReadOnlyList<ParleyReplicaResource> Replicas => _replicas;

    /// <inheritdoc/>
    public ReferenceExpression ConnectionStringExpression
    {
        get
        {
            var text = new ReferenceExpressionBuilder();
            text.AppendLiteral("Endpoint=");
            text.Append($"{AddressExpression}");
            if (ApiKey is not null)
                text.Append($";Key={ApiKey}");
            if (ServedName is not null)
                text.AppendLiteral($";Model={ServedName}");
            return text.Build();
        }
    }

    internal ParleySetup Setup { get; }

    private ReferenceExpression AddressExpression
    {
        get
        {
            if (_replicas.Count == 0)
                return ReferenceExpression.Create($"{GrpcEndpoint.Property(EndpointProperty.Url)}");
            var text = new ReferenceExpressionBuilder();
            text.AppendLiteral("static:///");
            text.Append($"{GrpcEndpoint.Property(EndpointProperty.HostAndPort)}");
            foreach (var replica in _replicas)
                text.Append($",{replica.GetEndpoint(GrpcEndpointName).Property(EndpointProperty.HostAndPort)}");
            return text.Build();
        }
    }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties()
    {
        yield return new("Endpoint", AddressExpression);
        yield return new("Uri", ReferenceExpression.Create($"{HttpEndpoint.Property(EndpointProperty.Url)}"));
        if (ApiKey is not null)
            yield return new("Key", ReferenceExpression.Create($"{ApiKey}"));
        if (ServedName is not null)
            yield return new("Model", ReferenceExpression.Create($"{ServedName}"));
    }

    internal void Add(ParleyReplicaResource replica) => _replicas.Add(replica);
}
