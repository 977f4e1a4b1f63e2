using System.CommandLine;
using Parley.ModelImporter;

namespace Parley.Cli.Packages;

/// <summary>The options by which every command names a model.</summary>
internal sealed class ModelSelection
{
    public Option<string?> Model { get; } = new("--model", "-m")
    {
        Description = "A Hugging Face folder, a .gguf file or a package; the bundled demo model without it.",
        HelpName = "FOLDER",
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
            Description = "Precision to import to; without it int4 where the weights lie on a 4-bit grid, which loses nothing, else int8.",
        };
        precision.AcceptOnlyFromAmong([.. ModelImport.Precisions]);
        return precision;
    }

    public void AddTo(Command command)
    {
        command.Options.Add(Model);
        command.Options.Add(Precision);
        command.Options.Add(Context);
        command.Options.Add(Threads);
    }

    /// <summary>The folder that the options name.</summary>
    /// <exception cref="UserErrorException">It does not exist.</exception>
    public string Folder(ParseResult result)
    {
        var folder = result.GetValue(Model) is { } named
            ? Path.GetFullPath(named)
            : Path.Combine(AppContext.BaseDirectory, "models", "demo");
        if (!Path.Exists(folder))
            throw new UserErrorException($"--model: {folder} does not exist.");
        return folder;
    }
}
