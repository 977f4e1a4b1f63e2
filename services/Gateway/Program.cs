using Microsoft.AspNetCore.Server.Kestrel.Core;
using Parley.Gateway;
using Parley.ServiceDefaults;

return await ServiceHost.RunAsync(
    "parley-gateway", args,
    [
        ("--name", "Gateway:ModelName", false),
        ("--api-key", "Gateway:ApiKey", false),
        ("--api-key-file", "Gateway:ApiKeyFile", false),
        ("--allow-anonymous", "Gateway:AllowAnonymous", true),
    ],
    [("Http", 5080, HttpProtocols.Http1), ("Grpc", 5081, HttpProtocols.Http2)],
    builder => builder.AddGateway(), app => app.MapGateway());
