using System.Runtime.InteropServices;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Execution.Kernels.Latent;

namespace Parley.Generator.Tests.Execution.Kernels.Latent;

/// <summary>
/// Sequences of latents that grow by ragged steps in a poisoned cache, with a plain double-precision answer for every row: that for the
/// rows as they lie in the cache, each of which is compared with what was to be written.
/// </summary>
internal sealed unsafe class LatentCase : IDisposable
{
    private const int BlockTokens = 16;
    private const float Epsilon = 1e-5f;

    private readonly List<IntPtr> _allocations = [];
    private readonly Random _random;
    private readonly List<int>[] _blocks;
    private readonly int[] _lengths;
    private readonly Stack<int> _free;
    private readonly float[] _norm;
    private LatentAttentionStep _step;

    public LatentCase(
        int sequences, int heads, int rank, int rotary, int positionsMax, int seed, KvCachePrecision precision = KvCachePrecision.Fp32,
        bool interleaved = true)
    {
        _random = new Random(seed);
        _blocks = [.. Enumerable.Range(0, sequences).Select(_ => new List<int>())];
        _lengths = new int[sequences];
        var perSequence = (positionsMax + BlockTokens - 1) / BlockTokens;
        var order = Enumerable.Range(0, sequences * perSequence).ToArray();
        _random.Shuffle(order);
        _free = new Stack<int>(order);
        _norm = [.. Enumerable.Range(0, rank).Select(d => 0.5f + (d % 7 * 0.2f))];
        _step.Rank = rank;
        _step.RotarySize = rotary;
        _step.QuerySize = rotary + 16;
        ref var paged = ref _step.Paged;
        paged.QueryHeads = heads;
        paged.KeyValueHeads = heads / LatentAttentionStep.GroupOf(heads);
        paged.HeadSize = rank;
        paged.BlockTokens = BlockTokens;
        paged.BlockCount = order.Length;
        paged.BlockTableWidth = perSequence;
        paged.PositionsMax = positionsMax;
        paged.RotaryHalf = rotary / 2;
        paged.RotaryInterleaved = interleaved;
        paged.Scale = 1 / MathF.Sqrt(rank);
        paged.NormEpsilon = Epsilon;
        paged.CachePrecision = precision;
        paged.KeyNorm = Copy(_norm);
        paged.KeyCache = Poison(order.Length * _step.RotaryBlockBytes);
        paged.ValueCache = Poison(order.Length * _step.LatentBlockBytes);
        paged.Cos = Copy(Table(Math.Cos));
        paged.Sin = Copy(Table(Math.Sin));

        float[] Table(Func<double, double> function) =>
        [
            .. from position in Enumerable.Range(0, positionsMax)
               from pair in Enumerable.Range(0, rotary / 2)
               select (float)function(position * Math.Pow(10_000, -2.0 * pair / rotary)),
        ];
    }

    private int Heads => _step.Paged.QueryHeads;

    /// <summary>Floats of the three inputs of a token: queries in the latent's space, queries, new row.</summary>
    public int RowSize => (Heads * (_step.Rank + _step.QuerySize)) + _step.Rank + _step.RotarySize;

    /// <summary>Random inputs of some tokens, token after token.</summary>
    public float[] RandomRows(int tokens) =>
        [.. Enumerable.Range(0, tokens * RowSize).Select(_ => (float)((_random.NextDouble() * 4) - 2))];

    /// <summary>Runs one step with as many new tokens per sequence as given.</summary>
    /// <returns>[tokens, heads · rank].</returns>
    public float[] Run(LatentAttentionKernel kernel, int[] newTokens, float[] rows)
    {
        var tokens = newTokens.Sum();
        Bind(newTokens, rows, tokens);
        fixed (LatentAttentionStep* step = &_step)
        {
            Assert.Null(step->FindFault());
            kernel.Run(step);
        }

        for (var i = 0; i < newTokens.Length; i++)
            _lengths[i] += newTokens[i];
        // By head; tests read token after token.
        var (rank, output) = (_step.Rank, new float[tokens * Heads * _step.Rank]);
        for (var token = 0; token < tokens; token++)
        {
            for (var head = 0; head < Heads; head++)
            {
                new Span<float>(_step.Paged.Output + (((head * tokens) + token) * rank), rank)
                    .CopyTo(output.AsSpan(((token * Heads) + head) * rank));
            }
        }

        return output;
    }

    /// <summary>The fault of a step of one token that something was changed in.</summary>
    public string? FaultOf(Action<LatentCase> change)
    {
        Bind([1], RandomRows(1), 1);
        change(this);
        fixed (LatentAttentionStep* step = &_step)
            return step->FindFault();
    }

    public void SetRank(int rank) => _step.Rank = rank;

    public void SetRotary(int rotary) => _step.RotarySize = rotary;

    public void SetBlock(int block) => _step.Paged.BlockTable[0] = block;

    /// <summary>What the last step's rows should be, and that they were written as they should.</summary>
    /// <param name="newTokens">Of the last step.</param>
    /// <param name="rows">Its inputs.</param>
    public double[] Expected(int[] newTokens, float[] rows)
    {
        var (rank, rotary) = (_step.Rank, _step.RotarySize);
        var expected = new List<double>();
        var token = 0;
        for (var sequence = 0; sequence < newTokens.Length; sequence++)
        {
            var keys = Enumerable.Range(0, _lengths[sequence]).Select(position => Stored(sequence, position)).ToList();
            for (var i = 0; i < newTokens[sequence]; i++, token++)
            {
                var position = _lengths[sequence] - newTokens[sequence] + i;
                var row = rows.AsSpan(token * RowSize, RowSize).ToArray();
                CheckWritten(keys[position], row[^(rank + rotary)..], position);
                for (var head = 0; head < Heads; head++)
                {
                    var latent = row.AsSpan(head * rank, rank).ToArray().Select(value => (double)value);
                    var turned = Turn(row.AsSpan((Heads * rank) + ((head + 1) * _step.QuerySize) - rotary, rotary).ToArray(), position);
                    double[] query = [.. latent, .. turned];
                    var scores = keys.Take(position + 1)
                        .Select(key => query.Zip(key, (a, b) => a * b).Sum() * _step.Paged.Scale).ToArray();
                    var weights = scores.Select(score => Math.Exp(score - scores.Max())).ToArray();
                    expected.AddRange(Enumerable.Range(0, rank).Select(d =>
                        weights.Select((weight, s) => weight * keys[s][d]).Sum() / weights.Sum()));
                }
            }
        }

        return [.. expected];
    }

    public void Dispose()
    {
        foreach (var allocation in _allocations)
            NativeMemory.AlignedFree((void*)allocation);
    }

    private void Bind(int[] newTokens, float[] rows, int tokens)
    {
        ref var paged = ref _step.Paged;
        var (rank, rotary) = (_step.Rank, _step.RotarySize);
        var table = new int[newTokens.Length * paged.BlockTableWidth];
        for (var i = 0; i < newTokens.Length; i++)
        {
            while (_blocks[i].Count * BlockTokens < _lengths[i] + newTokens[i])
                _blocks[i].Add(_free.Pop());
            _blocks[i].CopyTo(table, i * paged.BlockTableWidth);
        }

        var each = Enumerable.Range(0, tokens).Select(token => rows.AsSpan(token * RowSize, RowSize).ToArray()).ToList();
        _step.LatentQueries = Copy(
            (float[])[.. Enumerable.Range(0, Heads).SelectMany(head => each.SelectMany(row => row[(head * rank)..((head + 1) * rank)]))]);
        _step.Queries = Copy((float[])[.. each.SelectMany(row => row[(Heads * rank)..^(rank + rotary)])]);
        _step.Latents = Copy((float[])[.. each.SelectMany(row => row[^(rank + rotary)..])]);
        paged.CumulativeLengths = Copy((int[])[0, .. newTokens.Select((_, i) => newTokens.Take(i + 1).Sum())]);
        paged.PastLengths = Copy(_lengths[..newTokens.Length]);
        paged.BlockTable = Copy(table);
        paged.Output = Copy(new float[tokens * Heads * rank]);
        (paged.TokenCount, paged.SequenceCount) = (tokens, newTokens.Length);
    }

    /// <summary>A position's latent and turned part as they lie in the cache.</summary>
    private double[] Stored(int sequence, int position)
    {
        long block = _blocks[sequence][position / BlockTokens];
        var offset = position % BlockTokens;
        return
        [
            .. Numbers(_step.Paged.ValueCache + (block * _step.LatentBlockBytes), offset, _step.Rank),
            .. Numbers(_step.Paged.KeyCache + (block * _step.RotaryBlockBytes), offset, _step.RotaryStored).Take(_step.RotarySize),
        ];
    }

    private double[] Numbers(byte* block, int offset, int count)
    {
        var numbers = new double[count];
        for (var d = 0; d < count; d++)
        {
            var index = (offset * count) + d;
            numbers[d] = _step.Paged.CachePrecision switch
            {
                KvCachePrecision.Fp32 => ((float*)block)[index],
                KvCachePrecision.Fp16 => ScalarOps.LoadHalf((short*)block + index),
                _ => (double)((sbyte*)block)[index] * ((float*)(block + (BlockTokens * count)))[offset],
            };
        }

        return numbers;
    }

    private void CheckWritten(double[] stored, float[] row, int position)
    {
        var rank = _step.Rank;
        var mean = row.Take(rank).Select(value => (double)value * value).Average();
        double[] wanted =
        [
            .. row.Take(rank).Select((value, d) => value / Math.Sqrt(mean + Epsilon) * _norm[d]), .. Turn(row[rank..], position),
        ];
        var tolerance = _step.Paged.CachePrecision switch
        {
            KvCachePrecision.Fp32 => 1e-6,
            KvCachePrecision.Fp16 => 1e-3,
            _ => 1 / 200.0,
        };
        AssertNear(wanted[..rank], stored[..rank]);
        AssertNear(wanted[rank..], stored[rank..]);

        void AssertNear(double[] expected, double[] actual)
        {
            var largest = expected.Max(Math.Abs);
            for (var d = 0; d < expected.Length; d++)
                Assert.InRange(Math.Abs(actual[d] - expected[d]) / largest, 0, tolerance);
        }
    }

    private double[] Turn(float[] x, int position)
    {
        var half = x.Length / 2;
        var turned = new double[x.Length];
        for (var pair = 0; pair < half; pair++)
        {
            var (first, second) = _step.Paged.RotaryInterleaved ? (2 * pair, (2 * pair) + 1) : (pair, pair + half);
            double cos = _step.Paged.Cos[(position * half) + pair], sin = _step.Paged.Sin[(position * half) + pair];
            turned[first] = (x[first] * cos) - (x[second] * sin);
            turned[second] = (x[second] * cos) + (x[first] * sin);
        }

        return turned;
    }

    /// <summary>All bits set: NaN in float32 and in int8's scales, the largest number in float16.</summary>
    private byte* Poison(long bytes)
    {
        var memory = Copy(new byte[bytes]);
        new Span<byte>(memory, (int)bytes).Fill(0xff);
        return memory;
    }

    private T* Copy<T>(T[] values)
        where T : unmanaged
    {
        var memory = (T*)NativeMemory.AlignedAlloc((nuint)(Math.Max(values.Length, 1) * sizeof(T)), 64);
        _allocations.Add((IntPtr)memory);
        values.CopyTo(new Span<T>(memory, values.Length));
        return memory;
    }
}
