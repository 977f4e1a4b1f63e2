using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>
/// The linears of a session to which adapters may add something, and which rows of the step at hand have which adapter. Nodes make
/// themselves known while their session is made, on the same thread.
/// </summary>
/// <param name="rowsMax">Rows of the largest step.</param>
internal sealed unsafe class AdaptedLinears(int rowsMax)
{
    [ThreadStatic]
    private static AdaptedLinears? _receiving;

    private readonly List<AdaptedLinear> _all = [];
    private readonly HashSet<string> _ambiguous = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AdaptedLinear> _byName = new(StringComparer.Ordinal);
    private readonly List<AdapterWeights> _adapters = [];

    // Pinned for their lifetime: kernels hold the addresses during a step.
    private readonly int[] _places = GC.AllocateUninitializedArray<int>(rowsMax, pinned: true);
    private readonly int[] _rows = GC.AllocateUninitializedArray<int>(rowsMax, pinned: true);
    private readonly int[] _groupOf = GC.AllocateUninitializedArray<int>(rowsMax, pinned: true);
    private AdapterGroup[] _groups = GC.AllocateArray<AdapterGroup>(8, pinned: true);
    private int _placeCount;
    private int _rowCount;

    /// <summary>All of them, in the order in which their nodes were made.</summary>
    public IReadOnlyList<AdaptedLinear> All => _all;

    /// <summary>Linears of this session make themselves known to it until the scope ends; on the thread that makes the session.</summary>
    public IDisposable Receive() => new Scope(this);

    /// <summary>The session's that is being made on this thread; null where it takes no adapters.</summary>
    public static AdaptedLinears? Receiving => _receiving;

    /// <summary>Adds a linear whose node is being made.</summary>
    public AdaptedLinear Add(string name, int inputs, int outputs)
    {
        var linear = new AdaptedLinear(name, inputs, outputs, _all.Count);
        _all.Add(linear);
        if (name.Length == 0 || _ambiguous.Contains(name) || !_byName.TryAdd(name, linear))
        {
            _ambiguous.Add(name);
            _byName.Remove(name);
        }

        return linear;
    }

    /// <summary>The linear of this name; null where there is none, or more than one.</summary>
    public AdaptedLinear? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Says which rows of the next step have which adapter.</summary>
    /// <param name="adapters">Of each sequence; null for none.</param>
    /// <param name="cumulativeLengths">Running sum of the sequences' rows, one more than there are sequences.</param>
    public void Set(ReadOnlySpan<AdapterWeights?> adapters, ReadOnlySpan<int> cumulativeLengths)
    {
        _adapters.Clear();
        _placeCount = 0;
        _rowCount = cumulativeLengths[adapters.Length];
        foreach (var adapter in adapters)
        {
            if (adapter is not null && !_adapters.Contains(adapter))
                _adapters.Add(adapter);
        }

        if (_adapters.Count == 0)
            return;
        if (_groups.Length < _adapters.Count)
            _groups = GC.AllocateArray<AdapterGroup>(2 * _adapters.Count, pinned: true);
        _places.AsSpan(0, _rowCount).Fill(-1);
        for (var group = 0; group < _adapters.Count; group++)
        {
            var first = _placeCount;
            for (var sequence = 0; sequence < adapters.Length; sequence++)
            {
                if (adapters[sequence] != _adapters[group])
                    continue;
                for (var row = cumulativeLengths[sequence]; row < cumulativeLengths[sequence + 1]; row++)
                {
                    (_places[row], _rows[_placeCount], _groupOf[_placeCount]) = (_placeCount, row, group);
                    _placeCount++;
                }
            }

            _groups[group] = new AdapterGroup { Linears = _adapters[group].Linears, First = first, Count = _placeCount - first };
        }
    }

    /// <summary>What adapters add in the call of a linear.</summary>
    /// <param name="linear">Which.</param>
    /// <param name="rows">Rows of the call.</param>
    /// <param name="step">Its arguments, but for input and memory.</param>
    /// <returns>False where no row has an adapter that adds something to this linear.</returns>
    /// <exception cref="InvalidDataException">The linear's rows are not the step's tokens.</exception>
    public bool TryBegin(AdaptedLinear linear, int rows, out AdapterStep step)
    {
        step = default;
        if (_placeCount == 0)
            return false;
        var ranks = 0;
        for (var group = 0; group < _adapters.Count; group++)
            ranks = Math.Max(ranks, _groups[group].Linears[linear.Index].Rank);
        if (ranks == 0)
            return false;
        if (rows != _rowCount)
            throw new InvalidDataException($"{linear.Name} has {rows} rows, the step {_rowCount} tokens: no adapter can be added to it");
        step = new AdapterStep
        {
            Places = Address(_places),
            Rows = Address(_rows),
            GroupOf = Address(_groupOf),
            Groups = (AdapterGroup*)Unsafe.AsPointer(ref _groups[0]),
            GroupCount = _adapters.Count,
            PlaceCount = _placeCount,
            Linear = linear.Index,
            Inputs = linear.Inputs,
            Stride = ranks,
        };
        return true;
    }

    private static int* Address(int[] pinned) => (int*)Unsafe.AsPointer(ref pinned[0]);

    private sealed class Scope : IDisposable
    {
        public Scope(AdaptedLinears linears)
        {
            if (_receiving is not null)
                throw new InvalidOperationException("A session is being made on this thread already.");
            _receiving = linears;
        }

        public void Dispose() => _receiving = null;
    }
}
