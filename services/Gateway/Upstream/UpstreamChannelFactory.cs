using Grpc.Net.Client;

namespace Parley.Gateway.Upstream;

/// <summary>Makes the channel to a service; tests put in-memory servers here.</summary>
internal delegate GrpcChannel UpstreamChannelFactory(Uri address);
