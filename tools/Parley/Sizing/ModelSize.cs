using Parley.Generator.Execution.Cuda;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Model;
using Parley.ModelImporter;
using Parley.ModelImporter.Inspection;
using Parley.PackageFormat;

namespace Parley.Cli.Sizing;

/// <summary>What of a model decides how much memory it takes.</summary>
/// <param name="Name">As it was called.</param>
/// <param name="Precision">Of the weights.</param>
/// <param name="Shape">The sizes of the decoder; its context is what a package serves at most.</param>
/// <param name="WeightBytes">Length of the weights that every step reads.</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="Target">The device of the graph; null is the CPU.</param>
/// <param name="IsPackage">Whether these are a package's own numbers, or those that an import would give.</param>
internal sealed record ModelSize(
    string Name, string Precision, ModelShape Shape, long WeightBytes, long Parameters, GraphTarget? Target, bool IsPackage)
{
    private const string PrecisionDefault = "int8";

    public bool IsCuda => Target is not null;

    /// <summary>Length of tables that are looked up by row: they take room on the disk, and next to none in memory.</summary>
    public long RowBytes { get; init; }

    /// <summary>Bytes of keys and values of one token over all layers, as the Generator computes them.</summary>
    public int TokenBytes(KvCachePrecision precision) =>
        Target is null ? KvCacheFormat.TokenBytes(precision, Shape) : CudaServing.TokenBytes(Shape, Target);

    /// <summary>The size of a package.</summary>
    public static ModelSize OfPackage(ModelPackage package) => new(
        package.Manifest.Name, package.Manifest.Precision, package.Shape with { Drafter = null }, package.WeightBytes,
        package.Manifest.Parameters, package.Manifest.Target, IsPackage: true)
    {
        RowBytes = package.Manifest.RowBytes ?? 0,
    };

    /// <summary>The size that a package of a checkpoint would have.</summary>
    /// <param name="name">What the model is called.</param>
    /// <param name="source">A folder with its configuration, or a GGUF file; weights are not read.</param>
    /// <param name="precision">The precision to import to; null is int8.</param>
    /// <param name="context">Positions to serve; 0 is the importer's default.</param>
    /// <exception cref="InvalidDataException">The configuration is not understood, or does not allow the precision.</exception>
    public static ModelSize OfSource(string name, string source, string? precision, int context)
    {
        precision ??= PrecisionDefault;
        var shape = ModelTree.ReadShape(source);
        var positions = Math.Min(
            context > 0 ? context : new ImportOptions { Source = "", Destination = "" }.ContextTokensMax, shape.ContextTokensMax);
        var (bytes, rowBytes, parameters) = ModelTree.MeasureWeights(source, precision, positions);
        var target = ModelImport.CudaPrecisions.Contains(precision)
            ? new GraphTarget(
                GraphTarget.Cuda, precision == "bf16" ? "bf16" : "fp16", GraphTarget.Paged, GraphTarget.CandidatesDefault)
            : null;
        return new ModelSize(name, precision, shape with { ContextTokensMax = positions }, bytes, parameters, target, IsPackage: false)
        {
            RowBytes = rowBytes,
        };
    }
}
