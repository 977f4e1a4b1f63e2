using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>Errors of weights that were rounded before, added up by the type of the file.</summary>
/// <param name="tensors">The checkpoint.</param>
/// <param name="gridsOnly">Whether weights on no grid are left out.</param>
internal sealed class StoredErrorSums(CheckpointTensors tensors, bool gridsOnly)
{
    private readonly SortedDictionary<string, (double Errors, double Squares, SortedSet<string> Stored)> _sums =
        new(StringComparer.Ordinal);

    /// <summary>Whether a part was rounded before.</summary>
    public bool Counts(LinearPart part) => gridsOnly ? tensors.GridOf(part.Weight) is not null : tensors.IsRounded(part.Weight);

    public void Add(LinearPart part, StoredGrid grid, double errors, double squares)
    {
        var type = tensors.TypeOf(part.Weight);
        var sum = _sums.TryGetValue(type, out var found) ? found : (0, 0, new SortedSet<string>(StringComparer.Ordinal));
        sum.Stored.Add(grid.Description);
        _sums[type] = (sum.Errors + errors, sum.Squares + squares, sum.Stored);
    }

    public IReadOnlyList<TypeError> ToErrors() =>
    [
        .. _sums.Select(sum => new TypeError(sum.Key, sum.Value.Squares > 0 ? Math.Sqrt(sum.Value.Errors / sum.Value.Squares) : 0)
        {
            Stored = string.Join(" and ", sum.Value.Stored),
        }),
    ];
}
