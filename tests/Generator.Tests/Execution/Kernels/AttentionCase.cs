using System.Runtime.InteropServices;
using Parley.Generator.Execution.Kernels;

namespace Parley.Generator.Tests.Execution.Kernels;

/// <summary>
/// Sequences that grow by random ragged steps, in a poisoned cache, with a plain double-precision answer for every row. The answer is
/// that for
/// the keys and values as they lie in the cache, each of which is compared with what was to be written.
/// </summary>
internal sealed unsafe class AttentionCase : IDisposable
{
    private readonly List<IntPtr> _allocations = [];
    private readonly Random _random;
    private readonly List<double[]>[] _keys;
    private readonly List<double[]>[] _values;
    private readonly List<int>[] _blocks;
    private readonly Stack<int> _free;
    private PagedAttentionStep _step;

    public AttentionCase(
        int sequences,
        int queryHeads,
        int keyValueHeads,
        int headSize,
        int blockTokens,
        int positionsMax,
        int seed,
        int rotaryHalf = -1,
        KvCachePrecision precision = KvCachePrecision.Fp32,
        int windowTokens = 0,
        float softcap = 0,
        AttentionExtras? extras = null)
    {
        _random = new Random(seed);
        _keys = [.. Enumerable.Range(0, sequences).Select(_ => new List<double[]>())];
        _values = [.. Enumerable.Range(0, sequences).Select(_ => new List<double[]>())];
        _blocks = [.. Enumerable.Range(0, sequences).Select(_ => new List<int>())];
        var perSequence = (positionsMax + blockTokens - 1) / blockTokens;
        var blocks = sequences * perSequence;
        var order = Enumerable.Range(0, blocks).ToArray();
        _random.Shuffle(order);
        _free = new Stack<int>(order);
        _step = new PagedAttentionStep
        {
            QueryHeads = queryHeads,
            KeyValueHeads = keyValueHeads,
            HeadSize = headSize,
            BlockTokens = blockTokens,
            BlockCount = blocks,
            BlockTableWidth = perSequence,
            PositionsMax = positionsMax,
            RotaryHalf = rotaryHalf < 0 ? headSize / 2 : rotaryHalf,
            Scale = 1 / MathF.Sqrt(headSize),
            CachePrecision = precision,
            WindowTokens = windowTokens,
            Softcap = softcap,
        };
        SetExtras(extras ?? new AttentionExtras());
        // All bits set: NaN in float32 and in int8's scales, the largest number in float16.
        var cacheBytes = blocks * keyValueHeads * (int)_step.BlockBytes;
        _step.KeyCache = Allocate<byte>(cacheBytes);
        _step.ValueCache = Allocate<byte>(cacheBytes);
        new Span<byte>(_step.KeyCache, cacheBytes).Fill(0xff);
        new Span<byte>(_step.ValueCache, cacheBytes).Fill(0xff);
        _step.Cos = Allocate<float>(positionsMax * Math.Max(_step.RotaryHalf, 1));
        _step.Sin = Allocate<float>(positionsMax * Math.Max(_step.RotaryHalf, 1));
        for (var position = 0; position < positionsMax; position++)
        {
            for (var j = 0; j < _step.RotaryHalf; j++)
            {
                var angle = position * Math.Pow(10000, -j / (double)_step.RotaryHalf);
                _step.Cos[(position * _step.RotaryHalf) + j] = (float)Math.Cos(angle);
                _step.Sin[(position * _step.RotaryHalf) + j] = (float)Math.Sin(angle);
            }
        }
    }

    private void SetExtras(AttentionExtras extras)
    {
        _step.RotaryInterleaved = extras.IsInterleaved;
        _step.NormAfterRotary = extras.IsNormLate;
        _step.NormEpsilon = 1e-5f;
        (_step.NormalizesValues, _step.KeysAreValues) = (extras.NormalizesValues, extras.KeysAreValues);
        _step.QueryBeta = extras.QueryBeta;
        _step.QueryPositions = 16;
        if (extras.HasNorms)
        {
            _step.QueryNorm = Copy(Enumerable.Range(0, _step.HeadSize).Select(d => 0.5f + (d % 7 * 0.2f)).ToArray());
            _step.KeyNorm = Copy(Enumerable.Range(0, _step.HeadSize).Select(d => 1.5f - (d % 5 * 0.2f)).ToArray());
        }

        // Far below, near and far above the scores.
        if (extras.HasSinks)
            _step.Sinks = Copy(Enumerable.Range(0, _step.QueryHeads).Select(head => (head % 4 * 3f) - 4).ToArray());
    }

    public KvCachePrecision Precision => _step.CachePrecision;

    /// <summary>Runs one step with as many new tokens per sequence as given and returns [tokens, query heads · head size].</summary>
    public float[] Run(PagedAttentionKernel kernel, int[] newTokens, float[]? rows = null)
    {
        var tokens = newTokens.Sum();
        rows ??= RandomRows(tokens);
        var output = new float[tokens * _step.QueryHeads * _step.HeadSize];
        var cumulative = new int[newTokens.Length + 1];
        var past = new int[newTokens.Length];
        var table = new int[newTokens.Length * _step.BlockTableWidth];
        for (var i = 0; i < newTokens.Length; i++)
        {
            cumulative[i + 1] = cumulative[i] + newTokens[i];
            past[i] = _keys[i].Count;
            while (_blocks[i].Count * _step.BlockTokens < past[i] + newTokens[i])
                _blocks[i].Add(_free.Pop());
            _blocks[i].CopyTo(table, i * _step.BlockTableWidth);
        }

        _step.Qkv = Copy(rows);
        _step.Output = Copy(output);
        _step.CumulativeLengths = Copy(cumulative);
        _step.PastLengths = Copy(past);
        _step.BlockTable = Copy(table);
        _step.TokenCount = tokens;
        _step.SequenceCount = newTokens.Length;
        fixed (PagedAttentionStep* step = &_step)
        {
            Assert.Null(step->FindFault());
            kernel.Run(step);
        }

        new Span<float>(_step.Output, output.Length).CopyTo(output);
        Remember(rows, newTokens);
        return output;
    }

    /// <summary>Runs the last step's queries once more, over the cache as it is.</summary>
    public float[] RunReadsOnly(PagedAttentionKernel kernel, float[] rows)
    {
        var (tokens, width, queries) = (_step.TokenCount, _step.QkvWidth, _step.QueryHeads * _step.HeadSize);
        var output = new float[tokens * queries];
        _step.Qkv = Copy(Enumerable.Range(0, tokens).SelectMany(token => rows[(token * width)..((token * width) + queries)]).ToArray());
        _step.Output = Copy(output);
        _step.ReadsOnly = true;
        var before = KeyCache();
        fixed (PagedAttentionStep* step = &_step)
        {
            Assert.Null(step->FindFault());
            kernel.Run(step);
        }

        _step.ReadsOnly = false;
        Assert.Equal(before, KeyCache());
        new Span<float>(_step.Output, output.Length).CopyTo(output);
        return output;
    }

    /// <summary>
    /// Puts a block that holds no numbers in the place of those that nothing looks at any more, as the engine does when it gives them back.
    /// </summary>
    /// <returns>How many there are.</returns>
    public int GiveBackBehindWindow()
    {
        var poisoned = _free.Peek();
        var count = 0;
        for (var i = 0; i < _blocks.Length; i++)
        {
            var whole = Math.Max(_keys[i].Count + 1 - _step.WindowTokens, 0) / 64 * 64 / _step.BlockTokens;
            for (var block = 0; block < whole; block++, count++)
                _blocks[i][block] = poisoned;
        }

        return count;
    }

    /// <summary>Positions whose keys and values the last step reads for each key/value head, over all units.</summary>
    public long KeysRead()
    {
        var keys = 0L;
        for (var i = 0; i < _step.Plan.UnitCount; i++)
        {
            var unit = _step.Plan.Units[i];
            var first = Math.Max(_step.PastLengths[unit.Sequence] + unit.FirstToken + 1 - _step.WindowTokens, 0) / 64 * 64;
            keys += unit.Head == 0 ? Math.Max(unit.EndKey - Math.Max(unit.FirstKey, first), 0) : 0;
        }

        return keys;
    }

    /// <summary>The bytes of all keys.</summary>
    public byte[] KeyCache() => new Span<byte>(_step.KeyCache, _step.BlockCount * _step.KeyValueHeads * (int)_step.BlockBytes).ToArray();

    /// <summary>Runs the last step once more.</summary>
    /// <returns>Bytes that it allocated.</returns>
    public long AllocatedByStepAgain(PagedAttentionKernel kernel)
    {
        fixed (PagedAttentionStep* step = &_step)
        {
            kernel.Run(step);
            var before = GC.GetAllocatedBytesForCurrentThread();
            kernel.Run(step);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    public float[] RandomRows(int tokens)
    {
        var rows = new float[tokens * _step.QkvWidth];
        for (var i = 0; i < rows.Length; i++)
            rows[i] = (float)((_random.NextDouble() * 4) - 2);
        return rows;
    }

    /// <summary>The answer for the rows of the last step, in double precision.</summary>
    public double[] Expected(float[] rows, int[] newTokens)
    {
        var hd = _step.HeadSize;
        var expected = new double[newTokens.Sum() * _step.QueryHeads * hd];
        var token = 0;
        for (var sequence = 0; sequence < newTokens.Length; sequence++)
        {
            for (var i = 0; i < newTokens[sequence]; i++, token++)
            {
                var position = _keys[sequence].Count - newTokens[sequence] + i;
                for (var head = 0; head < _step.QueryHeads; head++)
                {
                    var query = Prepare(rows.AsSpan((token * _step.QkvWidth) + (head * hd), hd), position, _step.QueryNorm);
                    var growth = _step.QueryBeta == 0 ? 1 : 1 + (_step.QueryBeta * Math.Log(1 + (position / 16)));
                    query = [.. query.Select(number => number * growth)];
                    Attend(query, sequence, head, position, expected.AsSpan(((token * _step.QueryHeads) + head) * hd, hd));
                }
            }
        }

        return expected;
    }

    public void Dispose()
    {
        foreach (var allocation in _allocations)
            NativeMemory.Free((void*)allocation);
    }

    private void Attend(double[] query, int sequence, int head, int position, Span<double> output)
    {
        var (hd, keyValueHead) = (query.Length, head / _step.GroupSize);
        var scores = new double[position + 1];
        var first = _step.WindowTokens == 0 ? 0 : Math.Max(position + 1 - _step.WindowTokens, 0);
        Array.Fill(scores, double.NegativeInfinity);
        for (var j = first; j <= position; j++)
        {
            scores[j] = 0;
            for (var d = 0; d < hd; d++)
                scores[j] += query[d] * _keys[sequence][j][(keyValueHead * hd) + d];
            scores[j] *= _step.Scale;
            if (_step.Softcap > 0)
                scores[j] = _step.Softcap * Math.Tanh(scores[j] / _step.Softcap);
        }

        var maximum = scores.Max();
        var sum = scores.Sum(score => Math.Exp(score - maximum));
        if (_step.Sinks is not null)
            sum += Math.Exp(_step.Sinks[head] - maximum);
        for (var j = first; j <= position; j++)
        {
            for (var d = 0; d < hd; d++)
                output[d] += Math.Exp(scores[j] - maximum) / sum * _values[sequence][j][(keyValueHead * hd) + d];
        }
    }

    private void Remember(float[] rows, int[] newTokens)
    {
        var hd = _step.HeadSize;
        var token = 0;
        for (var sequence = 0; sequence < newTokens.Length; sequence++)
        {
            for (var i = 0; i < newTokens[sequence]; i++, token++)
            {
                var keys = new double[_step.KeyValueHeads * hd];
                var values = new double[_step.KeyValueHeads * hd];
                for (var head = 0; head < _step.KeyValueHeads; head++)
                {
                    var start = (token * _step.QkvWidth) + ((_step.QueryHeads + head) * hd);
                    var position = _keys[sequence].Count;
                    var key = Prepare(rows.AsSpan(start, hd), position, _step.KeyNorm);
                    var given = _step.KeysAreValues ? start : start + (_step.KeyValueHeads * hd);
                    double[] value = [.. rows.AsSpan(given, hd).ToArray().Select(number => (double)number)];
                    if (_step.NormalizesValues)
                        value = Normalize(value, null);
                    Cached(_step.KeyCache, sequence, head, position, isKey: true, key).CopyTo(keys, head * hd);
                    Cached(_step.ValueCache, sequence, head, position, isKey: false, value).CopyTo(values, head * hd);
                }

                _keys[sequence].Add(keys);
                _values[sequence].Add(values);
            }
        }
    }

    /// <summary>What the cache holds, each number of which must be near the exact one.</summary>
    private double[] Cached(byte* cache, int sequence, int head, int position, bool isKey, double[] exact)
    {
        var (hd, blockTokens) = (_step.HeadSize, _step.BlockTokens);
        var offset = position % blockTokens;
        var block = cache + (((_blocks[sequence][position / blockTokens] * _step.KeyValueHeads) + head) * _step.BlockBytes);
        var largest = exact.Max(Math.Abs);
        var cached = new double[hd];
        for (var d = 0; d < hd; d++)
        {
            var index = isKey ? (d * blockTokens) + offset : (offset * hd) + d;
            (cached[d], var tolerance) = Precision switch
            {
                KvCachePrecision.Fp32 => (((float*)block)[index], 1e-6),
                KvCachePrecision.Fp16 => (FromHalf(((ushort*)block)[index]), 1e-6 + Math.Max(Math.Abs(exact[d]) / 2048, Math.Pow(2, -15))),
                _ => (((sbyte*)block)[index] * (double)((float*)(block + (hd * blockTokens)))[offset], 1e-6 + (largest / 254)),
            };
            Assert.True(Math.Abs(cached[d] - exact[d]) <= tolerance, $"{cached[d]} lies in the cache for {exact[d]}");
        }

        return cached;
    }

    /// <summary>The largest exponent is that of numbers, and the smallest that of zero only.</summary>
    private static double FromHalf(int bits)
    {
        var exponent = (bits >> 10) & 31;
        var magnitude = exponent == 0 ? 0 : (1 + ((bits & 1023) / 1024.0)) * Math.Pow(2, exponent - 15);
        return bits >= 0x8000 ? -magnitude : magnitude;
    }

    private double[] Prepare(ReadOnlySpan<float> head, int position, float* norm)
    {
        double[] values = [.. head.ToArray().Select(number => (double)number)];
        if (norm is not null && !_step.NormAfterRotary)
            values = Normalize(values, norm);
        values = Rotate(values, position);
        return norm is not null && _step.NormAfterRotary ? Normalize(values, norm) : values;
    }

    private double[] Normalize(double[] head, float* weight)
    {
        var scale = 1 / Math.Sqrt(head.Average(number => number * number) + _step.NormEpsilon);
        var normalized = new double[head.Length];
        for (var d = 0; d < head.Length; d++)
            normalized[d] = head[d] * scale * (weight is null ? 1 : weight[d]);
        return normalized;
    }

    private double[] Rotate(double[] head, int position)
    {
        var half = _step.RotaryHalf;
        var rotated = head.ToArray();
        for (var pair = 0; pair < half; pair++)
        {
            double cos = _step.Cos[(position * half) + pair], sin = _step.Sin[(position * half) + pair];
            var (first, second) = _step.RotaryInterleaved ? (2 * pair, (2 * pair) + 1) : (pair, pair + half);
            rotated[first] = (head[first] * cos) - (head[second] * sin);
            rotated[second] = (head[second] * cos) + (head[first] * sin);
        }

        return rotated;
    }

    private T* Copy<T>(T[] values)
        where T : unmanaged
    {
        var memory = Allocate<T>(values.Length);
        values.CopyTo(new Span<T>(memory, values.Length));
        return memory;
    }

    private T* Allocate<T>(int count)
        where T : unmanaged
    {
        var memory = NativeMemory.Alloc((nuint)count, (nuint)sizeof(T));
        _allocations.Add((IntPtr)memory);
        return (T*)memory;
    }
}
