using System.CommandLine;
using Parley.Cli.Hub;
using Parley.ModelHub;
using Parley.ModelHub.Naming;
using Parley.ModelImporter;
using Parley.ModelPackages;
using Spectre.Console;

namespace Parley.Cli.Packages;

/// <summary>The options by which every command names a model.</summary>
internal sealed class ModelSelection
{
    public Option<string?> Model { get; } = new("--model", "-m")
    {
        Description = "A name on the Hugging Face Hub (org/model[@revision][:VARIANT]), or the path of a Hugging Face folder, a .gguf "
            + "file or a package; the bundled demo model without it.",
        HelpName = "NAME|PATH",
    };

    public Option<string?> Precision { get; } = CreatePrecision();

    public Option<int> Context { get; } = new("--context")
    {
        Description = "Positions to serve, prompt and answer together; 0 keeps the importer's default.",
        HelpName = "TOKENS",
    };

    public Option<int> Threads { get; } = new("--threads", "-t") { Description = "ONNX Runtime's threads; 0 is one per physical core." };

    public static Option<string?> CreatePrecision()
    {
        var precision = new Option<string?>("--precision", "-p")
        {
            Description = "Precision to import to; without it int4 where the weights lie on a 4-bit grid, which loses nothing, else int8; "
                + "an export to ONNX stays as it was exported.",
        };
        precision.AcceptOnlyFromAmong([.. ModelImport.Precisions, ModelImport.Exported]);
        return precision;
    }

    public void AddTo(Command command)
    {
        command.Options.Add(Model);
        command.Options.Add(Precision);
        command.Options.Add(Context);
        command.Options.Add(Threads);
    }

    /// <summary>The model that the options name, fetched where it is not there.</summary>
    /// <exception cref="UserErrorException">It is a path that does not exist.</exception>
    /// <exception cref="HubException">It is a name that cannot be had.</exception>
    public Task<ModelSource> OpenAsync(ModelProgress view, ParseResult result, CancellationToken cancellationToken) =>
        ModelSource.OpenAsync(view, Named(result), cancellationToken);

    /// <summary>The folder of what describes the model that a text names; no weights are fetched for it.</summary>
    /// <param name="console">Where progress is shown.</param>
    /// <param name="text">The model; null is what the options name.</param>
    /// <param name="result">The options.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="UserErrorException">It is a path that does not exist.</exception>
    /// <exception cref="HubException">It is a name that cannot be had.</exception>
    public async Task<string> DescribeAsync(
        IAnsiConsole console, string? text, ParseResult result, CancellationToken cancellationToken)
    {
        text ??= Named(result);
        if (ModelReference.IsPath(text))
            return ModelSource.OfPath(text).Path;
        using var hub = HubAccess.FromEnvironment();
        return await ModelProgress.RunAsync(console, TimeProvider.System, async view =>
        {
            var (download, reference) = (new ModelDownload(hub, view), ModelReference.Parse(text));
            return download.FindCached(reference, cancellationToken)?.Source ?? await download.DescribeAsync(reference, cancellationToken);
        });
    }

    private string Named(ParseResult result) => result.GetValue(Model) ?? Path.Combine(AppContext.BaseDirectory, "models", "demo");
}
