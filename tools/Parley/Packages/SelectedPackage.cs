using System.CommandLine;
using Parley.Cli.Hub;
using Parley.ModelHub.Naming;
using Parley.ModelPackages;
using Spectre.Console;

namespace Parley.Cli.Packages;

/// <summary>The package of the model that a command line names, with what happens until it is there shown.</summary>
internal static class SelectedPackage
{
    /// <summary>
    /// The package for the model that a command names, in a view of its own: the folder itself if it is one, else imported once.
    /// </summary>
    /// <exception cref="InvalidDataException">The model cannot be imported; the message names file and field.</exception>
    public static Task<string> ResolveAsync(
        IAnsiConsole console, ModelSelection model, ParseResult result, CancellationToken cancellationToken) =>
        ModelProgress.RunAsync(console, TimeProvider.System, view => ResolveAsync(view, model, result, cancellationToken));

    /// <summary>The package for the model that a command names: the folder itself if it is one, else imported once.</summary>
    /// <exception cref="InvalidDataException">The model cannot be imported; the message names file and field.</exception>
    public static async Task<string> ResolveAsync(
        ModelProgress view, ModelSelection model, ParseResult result, CancellationToken cancellationToken)
    {
        var source = await model.OpenAsync(view, result, cancellationToken);
        return await PackageCache.ResolveAsync(
            PackageCache.Root, view, source, result.GetValue(model.Precision), result.GetValue(model.Context), cancellationToken);
    }

    /// <summary>The packages for models as a command line names them: paths are packages themselves.</summary>
    public static Task<string[]> ResolveAsync(IAnsiConsole console, IReadOnlyList<string> models, CancellationToken cancellationToken) =>
        models.All(ModelReference.IsPath)
            ? Task.FromResult(models.ToArray())
            : ModelProgress.RunAsync(console, TimeProvider.System, async view =>
            {
                var packages = new string[models.Count];
                for (var i = 0; i < packages.Length; i++)
                {
                    packages[i] = ModelReference.IsPath(models[i])
                        ? models[i]
                        : await PackageCache.ResolveAsync(
                            PackageCache.Root, view, await ModelSource.OpenAsync(view, models[i], cancellationToken), null, 0,
                            cancellationToken);
                }

                return packages;
            });
}
