using System.Globalization;
using Parley.Cli.Doctor.Machine;
using Parley.Cli.Hub;
using Parley.ModelImporter;

namespace Parley.Cli.Doctor.Checks;

/// <summary>Whether the model is here, whole, and made for where it is to run.</summary>
internal static class PackageCheck
{
    private const string Name = "package";

    public static IEnumerable<Finding> Of(MachineState state)
    {
        var package = state.Package;
        if (package.Failure is not null)
        {
            yield return Finding.Fault(Name, package.Failure, "name a model that is here with --model, or import it again");
            yield break;
        }

        if (package.Path is null)
        {
            yield return state.Hub.Offline
                ? Finding.Fault(Name, $"{package.Named} is not on this machine, and no request may be made",
                    $"on a machine with access run 'parley pull {package.Named}' and bring its cache here, or unset HF_HUB_OFFLINE")
                : Finding.Warning(Name, $"{package.Named} is not on this machine", $"run 'parley pull {package.Named}'");
            yield break;
        }

        var size = package.Size!;
        if (!package.IsPackage)
        {
            yield return Finding.Ok(
                Name, $"{package.Named} is a checkpoint of {size.Parameters / 1e6:0.#} M parameters: 'parley up' imports it once, "
                + $"as {size.Precision} {ByteText.Of(size.WeightBytes)}");
            yield break;
        }

        var fact = string.Create(CultureInfo.InvariantCulture,
            $"{size.Name}, {size.Precision}, {ByteText.Of(package.Bytes)}, every file as its manifest says; importer {package.Importer}, ")
            + $"made {Age(state.Now - package.Made!.Value)}";
        yield return package.Importer == ModelImport.Version
            ? Finding.Ok(Name, fact)
            : Finding.Warning(Name, fact, $"import the model again: this build's importer is {ModelImport.Version}");
        var isCuda = state.Options.Device == "cuda";
        if (isCuda != size.IsCuda)
        {
            yield return Finding.Fault(
                Name, $"the package was made for {(size.IsCuda ? "CUDA" : "the CPU")}, and Generator:Device is {state.Options.Device}",
                size.IsCuda ? "set Generator:Device to cuda, or import the model with --precision int8"
                    : "import the model with --precision bf16, fp16 or int4-fp16, or set Generator:Device to cpu");
        }
    }

    private static string Age(TimeSpan age) => age switch
    {
        { TotalMinutes: < 0 } => "in the future by this machine's clock",
        { TotalHours: < 1 } => "within the hour",
        { TotalDays: < 1 } => $"{(int)age.TotalHours} h ago",
        _ => $"{(int)age.TotalDays} days ago",
    };
}
