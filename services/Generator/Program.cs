using Microsoft.AspNetCore.Server.Kestrel.Core;
using Parley.Generator;
using Parley.ServiceDefaults;

return await ServiceHost.RunAsync(
    "parley-generator", args, [("--name", "Generator:ModelName", false)], [("Grpc", 5083, HttpProtocols.Http2)],
    builder => builder.AddGenerator(), app => app.MapGenerator());
