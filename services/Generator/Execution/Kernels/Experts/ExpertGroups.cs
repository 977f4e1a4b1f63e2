namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>
/// The rows of a pass gathered by expert. A pair is a row and one of its experts; pairs are sorted by expert, and by row within.
/// </summary>
internal unsafe struct ExpertGroups
{
    /// <summary>Below this number of logits waking other threads to choose costs more than it saves.</summary>
    private const int InlineLogitsMax = 16 * 1024;

    /// <summary>Rows that a thread chooses for at a time.</summary>
    private const int StrideRows = 16;

    public ExpertRouter Router;

    public int Rows;

    /// <summary>Experts that some row chose, ascending.</summary>
    public int* Active;

    public int ActiveCount;

    /// <summary>First pair of each active expert, and behind the last the number of pairs.</summary>
    public int* Starts;

    public int PairCount;

    /// <summary>Row of each pair.</summary>
    public int* PairRows;

    /// <summary>Weight of each pair.</summary>
    public float* PairFactors;

    /// <summary>Whether a row has a choice, 0 or 1.</summary>
    public byte* HasChoice;

    private float* _logits;
    private readonly int* _chosen;
    private readonly float* _weights;
    private readonly int* _counts;

    public ExpertGroups(ExpertRouter router, int rows, ref MemoryCursor memory)
    {
        (Router, Rows) = (router, rows);
        var pairs = (long)rows * router.TopK;
        Active = memory.Take<int>(router.Experts);
        Starts = memory.Take<int>(router.Experts + 1);
        _counts = memory.Take<int>(router.Experts);
        HasChoice = memory.Take<byte>(rows);
        _chosen = memory.Take<int>(pairs);
        _weights = memory.Take<float>(pairs);
        PairRows = memory.Take<int>(pairs);
        PairFactors = memory.Take<float>(pairs);
    }

    /// <summary>Pairs of an active expert.</summary>
    public readonly int RowsOf(int slot) => Starts[slot + 1] - Starts[slot];

    /// <summary>Chooses for all rows and sorts the pairs.</summary>
    /// <param name="context">Context of the node; null is the calling thread alone.</param>
    /// <param name="groups">Takes the result.</param>
    /// <param name="logits">The router's [rows, experts].</param>
    public static void Gather(void* context, ExpertGroups* groups, float* logits)
    {
        groups->_logits = logits;
        var parallel = context is not null && (long)groups->Rows * groups->Router.Experts > InlineLogitsMax;
        ParallelLoop.Run(context, &Choose, groups, (groups->Rows + StrideRows - 1) / StrideRows, parallel);
        groups->Sort();
    }

    private static void Choose(void* argument, nint stride)
    {
        var groups = (ExpertGroups*)argument;
        ref readonly var router = ref groups->Router;
        var end = Math.Min(((int)stride + 1) * StrideRows, groups->Rows);
        for (var row = (int)stride * StrideRows; row < end; row++)
        {
            var first = (long)row * router.TopK;
            var found = router.Choose(groups->_logits + ((long)row * router.Experts), groups->_chosen + first, groups->_weights + first);
            groups->HasChoice[row] = found ? (byte)1 : (byte)0;
        }
    }

    private void Sort()
    {
        var topK = Router.TopK;
        new Span<int>(_counts, Router.Experts).Clear();
        for (var row = 0; row < Rows; row++)
        {
            for (var i = 0; HasChoice[row] != 0 && i < topK; i++)
                _counts[_chosen[((long)row * topK) + i]]++;
        }

        (ActiveCount, PairCount) = (0, 0);
        for (var expert = 0; expert < Router.Experts; expert++)
        {
            var count = _counts[expert];
            _counts[expert] = PairCount;
            if (count == 0)
                continue;
            Active[ActiveCount] = expert;
            Starts[ActiveCount++] = PairCount;
            PairCount += count;
        }

        Starts[ActiveCount] = PairCount;
        for (var row = 0; row < Rows; row++)
        {
            for (var i = 0; HasChoice[row] != 0 && i < topK; i++)
            {
                var pair = _counts[_chosen[((long)row * topK) + i]]++;
                PairRows[pair] = row;
                PairFactors[pair] = _weights[((long)row * topK) + i];
            }
        }
    }
}
