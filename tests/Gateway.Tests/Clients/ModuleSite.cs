using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Clients;

/// <summary>A site whose page may import Connect's packages by their names, and a script of this project as <c>/script.mjs</c>.</summary>
internal sealed class ModuleSite : IAsyncDisposable
{
    /// <summary>What the packages name in their exports.</summary>
    private const string Page = """
        <script type="importmap">{"imports": {
          "@bufbuild/protobuf": "/@bufbuild/protobuf/dist/esm/index.js",
          "@bufbuild/protobuf/wkt": "/@bufbuild/protobuf/dist/esm/wkt/index.js",
          "@bufbuild/protobuf/wire": "/@bufbuild/protobuf/dist/esm/wire/index.js",
          "@bufbuild/protobuf/codegenv2": "/@bufbuild/protobuf/dist/esm/codegenv2/index.js",
          "@connectrpc/connect": "/@connectrpc/connect/dist/esm/index.js",
          "@connectrpc/connect/protocol": "/@connectrpc/connect/dist/esm/protocol/index.js",
          "@connectrpc/connect/protocol-connect": "/@connectrpc/connect/dist/esm/protocol-connect/index.js",
          "@connectrpc/connect/protocol-grpc-web": "/@connectrpc/connect/dist/esm/protocol-grpc-web/index.js",
          "@connectrpc/connect-web": "/@connectrpc/connect-web/dist/esm/index.js"
        }}</script>
        """;

    private readonly WebApplication _app;

    private ModuleSite(WebApplication app) => _app = app;

    public string Origin => _app.Urls.First();

    public static async Task<ModuleSite> StartAsync(string modules, string script)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(context => AnswerAsync(context, modules, Path.Combine(Shared.RepositoryRoot, "tests", "Gateway.Tests", script)));
        await app.StartAsync();
        return new ModuleSite(app);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static Task AnswerAsync(HttpContext context, string modules, string script)
    {
        var path = context.Request.Path.Value!;
        context.Response.ContentType = path == "/" ? "text/html" : "text/javascript";
        if (path == "/")
            return context.Response.WriteAsync(Page);
        var file = path == "/script.mjs" ? script : Path.Combine(modules, path[1..]);
        if (File.Exists(file))
            return context.Response.SendFileAsync(file);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }
}
