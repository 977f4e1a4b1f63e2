using System.Globalization;
using Microsoft.Extensions.Logging;
using Parley.Embedded.Hosting;
using Parley.ModelPackages;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests;

/// <summary>The three services on the demo model with a chat template that reads tools and has the marks of a format of calls.</summary>
internal sealed class ToolSystem : IAsyncDisposable
{
    private readonly string _folder;
    private readonly LocalSystem _system;

    private ToolSystem(string folder, LocalSystem system) => (_folder, _system) = (folder, system);

    public LogGuard Log { get; private init; } = null!;

    public Uri Http => _system.Http;

    public Uri Grpc => _system.Grpc;

    /// <summary>Starts it.</summary>
    /// <param name="marks">What the format is found by; stands in a comment of the template.</param>
    /// <param name="opening">What the template ends with.</param>
    public static async Task<ToolSystem> StartAsync(string marks, string opening)
    {
        var folder = Directory.CreateTempSubdirectory("parley-tools-").FullName;
        var source = Directory.CreateDirectory(Path.Combine(folder, "model")).FullName;
        foreach (var file in Directory.GetFiles(Shared.DemoModel))
            File.Copy(file, Path.Combine(source, Path.GetFileName(file)));
        await File.WriteAllTextAsync(Path.Combine(source, "chat_template.jinja"), Template(marks, opening));
        var package = Path.Combine(folder, "package");
        await PackageCache.ImportAsync(source, package, "fp32", CancellationToken.None);
        var log = new LogGuard();
        var system = await LocalSystem.StartAsync(
            new LocalSystemOptions { PackageDirectory = package, LoggerProvider = log, LogLevelMin = LogLevel.Information },
            CancellationToken.None);
        return new ToolSystem(folder, system) { Log = log };
    }

    public async ValueTask DisposeAsync()
    {
        await _system.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Template(string marks, string opening) => string.Create(CultureInfo.InvariantCulture, $$$"""
        {#- {{{marks}}} -#}
        {{- '<|begin|>' -}}
        {%- if tools -%}{{- tools | tojson -}}{%- endif -%}
        {%- for message in messages -%}
            {{- '<|user|>' ~ (message['content'] or '') ~ '<|end|>' -}}
        {%- endfor -%}
        {{- '{{{opening.Replace("\n", "\\n", StringComparison.Ordinal)}}}' -}}
        """);
}
