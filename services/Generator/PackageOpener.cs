using Parley.Generator.Engine;

namespace Parley.Generator;

/// <summary>Opens the package that the options name.</summary>
internal static class PackageOpener
{
    /// <summary>Reads manifest and generation defaults; the weights are read by <see cref="ServedModel.CreateRunner"/>.</summary>
    /// <exception cref="InvalidDataException">Something of the package is missing or broken; the message names file and field.</exception>
    public static ServedModel Open(GeneratorOptions options) =>
        throw new InvalidDataException($"{options.PackageDirectory}: no runner is built in.");
}
