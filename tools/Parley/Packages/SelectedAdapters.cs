using System.CommandLine;
using Parley.Cli.Hub;
using Parley.ModelImporter.AdapterPackages;
using Parley.PackageFormat;

namespace Parley.Cli.Packages;

/// <summary>
/// The adapters that a command line names, ready to be served beside the model: folders of <c>parley adapter</c> as they are, peft's and
/// llama.cpp's made ready in a folder that goes with the command.
/// </summary>
internal sealed class SelectedAdapters : IDisposable
{
    private DirectoryInfo? _made;

    public static Option<string[]> CreateOption() => new("--adapter")
    {
        Description = "An adapter to serve beside the model under a name of its own: what 'parley adapter' made, peft's folder or a .gguf.",
        HelpName = "NAME=PATH",
        AllowMultipleArgumentsPerToken = false,
    };

    /// <summary>Adds what the Generator has to know of them.</summary>
    /// <param name="settings">Settings so far.</param>
    /// <param name="view">Told what is made, and notes of it.</param>
    /// <param name="package">The package that they are served beside.</param>
    /// <param name="adapters">Each a name, an equals sign and a path.</param>
    /// <param name="cancellationToken">Ends the making.</param>
    /// <exception cref="UserErrorException">One is not named so.</exception>
    /// <exception cref="InvalidDataException">One cannot be served; the message names the module.</exception>
    public IReadOnlyDictionary<string, string?> AddTo(
        IReadOnlyDictionary<string, string?> settings, ModelProgress view, string package, IReadOnlyList<string> adapters,
        CancellationToken cancellationToken)
    {
        var all = new Dictionary<string, string?>(settings, StringComparer.OrdinalIgnoreCase);
        foreach (var adapter in adapters)
        {
            var at = adapter.IndexOf('=', StringComparison.Ordinal);
            if (at < 1 || at == adapter.Length - 1)
                throw new UserErrorException($"--adapter {adapter}: wanted is NAME=PATH, e.g. poet=./poet-lora.");
            var (name, path) = (adapter[..at], adapter[(at + 1)..]);
            // A colon would part the setting's name, whose letters also have no case.
            if (name.Contains(':', StringComparison.Ordinal) || !all.TryAdd($"Generator:Adapters:{name}", Ready(name, path)))
                throw new UserErrorException($"--adapter {adapter}: the name is there twice, or holds a colon.");
        }

        return all;

        string Ready(string name, string path) => File.Exists(Path.Combine(path, AdapterManifest.FileName))
            ? Path.GetFullPath(path) : Make(view, package, name, path, cancellationToken);
    }

    public void Dispose() => _made?.Delete(recursive: true);

    private string Make(ModelProgress view, string package, string name, string path, CancellationToken cancellationToken)
    {
        _made ??= Directory.CreateTempSubdirectory("parley-adapters-");
        var made = AdapterPackage.Run(
            new AdapterOptions
            {
                Adapter = path,
                Base = package,
                Destination = Path.Combine(_made.FullName, $"{_made.GetDirectories().Length}"),
                Name = name,
            },
            cancellationToken);
        foreach (var note in made.Notes)
            view.Note($"{name}: {note}");
        return made.Path;
    }
}
