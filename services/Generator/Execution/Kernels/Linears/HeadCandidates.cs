using Parley.Generator.Sampling;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// Chooses the blocks of a head whose low plane is needed. First those that hold a row's best coarse logits: their exact logits say what
/// the n-th best is at least. Then all that could reach it.
/// </summary>
/// <remarks>Used by the thread that runs the session. Buffers grow to the largest step and stay.</remarks>
internal sealed unsafe class HeadCandidates(QuantizedMatrix matrix, int tileRows)
{
    private const int Lanes = QuantizedLinearLayout.BlockOutputs;
    private const byte WantedBest = 1;
    private const byte WantedRest = 2;

    /// <summary>Where the low plane of so large a part is needed, one pass over both planes is as good.</summary>
    private const float PaysBelow = 0.8f;

    /// <summary>Steps before another try.</summary>
    private const int RestSteps = 31;

    /// <summary>Of the threshold: a temperature may make equal what was not quite.</summary>
    private const float Margin = 1e-5f;

    private readonly int _blocks = QuantizedLinearLayout.Blocks(matrix.Outputs);
    private readonly int _groups = matrix.Inputs / matrix.Group;
    private readonly HeadBounds _bounds = new(matrix);
    private readonly float[] _norms = new float[matrix.Inputs / matrix.Group];
    private readonly float[] _heap = new float[QuantizedLinearLayout.Blocks(matrix.Outputs)];
    private readonly float[] _exact = new float[QuantizedLinearLayout.Blocks(matrix.Outputs) * Lanes];
    private readonly bool[] _listed = new bool[QuantizedLinearLayout.Blocks(matrix.Outputs)];
    private readonly int[] _list = GC.AllocateUninitializedArray<int>(QuantizedLinearLayout.Blocks(matrix.Outputs), pinned: true);
    private readonly HeadOutliers _outliers = new(matrix, tileRows);

    /// <summary>Steps for which the coarse pass is left out since it did not pay: where one logit counts, and where more do.</summary>
    private readonly int[] _resting = new int[2];

    private int[] _counts = [];
    private float[] _best = [];
    private float[] _coarse = [];
    private byte[] _wanted = [];
    private int _kind;

    /// <summary>Blocks of the last step whose low plane was read.</summary>
    public int ExactBlocks { get; private set; }

    /// <summary>Takes a step's wishes; its activations are quantised.</summary>
    /// <param name="head">Its scratch is set.</param>
    /// <param name="counts">Best outputs that count [rows], 0 for all.</param>
    /// <param name="isRough">Nothing but the coarse pass follows, so that nothing hangs on what lies out.</param>
    /// <returns>False where every row wants all.</returns>
    public bool Begin(QuantizedHeadStep* head, ReadOnlySpan<int> counts, bool isRough = false)
    {
        var rows = counts.Length;
        if (_counts.Length < rows)
        {
            _counts = new int[rows];
            _best = GC.AllocateUninitializedArray<float>(rows * _blocks, pinned: true);
            _coarse = GC.AllocateUninitializedArray<float>(rows * _blocks, pinned: true);
            _wanted = GC.AllocateUninitializedArray<byte>(rows * _blocks, pinned: true);
        }

        ExactBlocks = 0;
        // Where a row wants more than this many, most blocks would be read anyway.
        var most = _blocks / 4;
        _kind = 0;
        var any = false;
        head->Tiles = QuantizedLinearStep.Tiles(rows, tileRows);
        for (var tile = 0; tile < head->Tiles; tile++)
        {
            var (first, tileCount) = head->Linear.Tile(tile, tileRows);
            for (var row = first; row < first + tileCount; row++)
            {
                var counted = counts[row] > 0 && counts[row] <= most && IsFinite(&head->Linear, first, tileCount, row);
                _counts[row] = counted ? counts[row] : 0;
                any |= counted;
                _kind |= _counts[row] > 1 ? 1 : 0;
            }
        }

        if (!any || _resting[_kind]-- > 0)
            return false;
        _resting[_kind] = 0;
        _wanted.AsSpan(0, head->Tiles * _blocks).Clear();
        // They are pinned for their lifetime.
        fixed (float* best = _best)
            head->Best = best;
        fixed (float* coarse = _coarse)
            head->Coarse = coarse;
        fixed (byte* wanted = _wanted)
            head->Wanted = wanted;
        fixed (int* list = _list)
            head->List = list;
        if (isRough)
            _outliers.FindNone(head);
        else
            _outliers.Find(head);
        return true;
    }

    /// <summary>Lists the blocks that hold the best coarse logits, and all blocks for rows that want all.</summary>
    public void WantBest(QuantizedHeadStep* head)
    {
        head->Pass = WantedBest;
        for (var tile = 0; tile < head->Tiles; tile++)
        {
            var (row, rows) = head->Linear.Tile(tile, tileRows);
            var wanted = Wanted(tile);
            if (WantsAll(row, rows))
            {
                wanted.Fill(WantedBest);
                continue;
            }

            for (var r = row; r < row + rows; r++)
            {
                var best = Best(r);
                var least = TopSelector.NthBest(best, _heap.AsSpan(0, _counts[r]));
                for (var block = TopSelector.IndexOfAtLeast(best, 0, least); block < _blocks;
                    block = TopSelector.IndexOfAtLeast(best, block + 1, least))
                    wanted[block] = WantedBest;
            }
        }

        List(head);
    }

    /// <summary>Lists the other blocks that may hold one of a row's best logits; the first list's logits are exact.</summary>
    public void WantRest(QuantizedHeadStep* head)
    {
        head->Pass = WantedRest;
        for (var tile = 0; tile < head->Tiles; tile++)
        {
            var (row, rows) = head->Linear.Tile(tile, tileRows);
            if (WantsAll(row, rows))
                continue;
            var wanted = Wanted(tile);
            for (var r = row; r < row + rows; r++)
            {
                var least = Threshold(head, wanted, r);
                _outliers.ReadNorms(r, _norms);
                var bounds = _bounds.Of(_norms);
                ReadOnlySpan<float> best = Best(r), coarse = _coarse.AsSpan(r * _blocks, _blocks);
                for (var block = 0; block < _blocks; block++)
                {
                    // What stays coarse has to look as small as it is.
                    if ((best[block] + bounds[block] >= least || coarse[block] >= least) && wanted[block] == 0)
                        wanted[block] = WantedRest;
                }
            }
        }

        List(head);
        if (ExactBlocks > _blocks * PaysBelow)
            _resting[_kind] = RestSteps;
    }

    /// <summary>The n-th best of the logits that are exact by now, less a margin: the n-th best of all is not below it.</summary>
    private float Threshold(QuantizedHeadStep* head, ReadOnlySpan<byte> wanted, int row)
    {
        var logits = new ReadOnlySpan<float>(head->Linear.Output + ((long)row * matrix.Outputs), matrix.Outputs);
        var count = 0;
        for (var block = 0; block < _blocks; block++)
        {
            if (wanted[block] != WantedBest)
                continue;
            var part = logits.Slice(block * Lanes, Math.Min(Lanes, matrix.Outputs - (block * Lanes)));
            part.CopyTo(_exact.AsSpan(count));
            count += part.Length;
        }

        var least = TopSelector.NthBest(_exact.AsSpan(0, count), _heap.AsSpan(0, Math.Min(_counts[row], count)));
        return least - (Margin * MathF.Abs(least));
    }

    /// <summary>Whether the row's activations are numbers: the scale of a group that holds anything else is not.</summary>
    private bool IsFinite(QuantizedLinearStep* step, int first, int rows, int row)
    {
        var parameters = step->Parameters + ((long)first * _groups * 2) + (2 * (row - first));
        for (var group = 0; group < _groups; group++)
        {
            if (!float.IsFinite(parameters[2 * rows * group]))
                return false;
        }

        return true;
    }

    private bool WantsAll(int row, int rows) => _counts.AsSpan(row, rows).Contains(0);

    private void List(QuantizedHeadStep* head)
    {
        _listed.AsSpan().Clear();
        for (var tile = 0; tile < head->Tiles; tile++)
        {
            var wanted = Wanted(tile);
            for (var block = 0; block < _blocks; block++)
                _listed[block] |= wanted[block] == head->Pass;
        }

        var count = 0;
        for (var block = 0; block < _blocks; block++)
        {
            if (_listed[block])
                _list[count++] = block;
        }

        head->ListCount = count;
        ExactBlocks += count;
    }

    private Span<float> Best(int row) => _best.AsSpan(row * _blocks, _blocks);

    private Span<byte> Wanted(int tile) => _wanted.AsSpan(tile * _blocks, _blocks);
}
