using Microsoft.AspNetCore.Server.Kestrel.Core;
using Parley.ServiceDefaults;
using Parley.Tokenizer;

return await ServiceHost.RunAsync(
    "parley-tokenizer", args, [("--name", "Tokenizer:ModelName", false)], [("Grpc", 5082, HttpProtocols.Http2)],
    builder => builder.AddTokenizer(), app => app.MapTokenizer());
