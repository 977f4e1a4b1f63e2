using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Exports;

/// <summary>What a run of an export reads beside its caches, and its logits: buffers of the largest run, bound to one binding.</summary>
/// <remarks>Who runs it fills <see cref="Ids"/> and <see cref="Rows"/> first, then says the run's shape.</remarks>
internal sealed class ExportedStep : IDisposable
{
    /// <summary>Input of transformers.js' exports: how many of the last logits are computed.</summary>
    public const string LogitsToKeep = "num_logits_to_keep";

    private readonly ExportedGraph _graph;
    private readonly StepTensor _ids;
    private readonly StepTensor? _mask;
    private readonly StepTensor? _positions;
    private readonly StepTensor? _rows;
    private readonly AlignedBuffer _keep = new(sizeof(long));
    private readonly AlignedBuffer _logits;
    private readonly long[] _wanted;
    private readonly TensorElementType _logitsType;
    private readonly int _vocabulary;
    private readonly OrtValue? _keepValue;
    private OrtValue? _logitsValue;
    private (long, long) _logitsShape;
    private int _tokensEach;
    private int _kept;

    /// <param name="session">The model.</param>
    /// <param name="graph">Its names.</param>
    /// <param name="vocabulary">Logits of a row.</param>
    /// <param name="tokensMax">Tokens of a run.</param>
    /// <param name="rowsMax">Rows of logits of a run that somebody wants.</param>
    /// <param name="maskMax">Entries of the mask.</param>
    public ExportedStep(InferenceSession session, ExportedGraph graph, int vocabulary, int tokensMax, int rowsMax, long maskMax)
    {
        (_graph, _vocabulary) = (graph, vocabulary);
        Binding = session.CreateIoBinding();
        _ids = Input(graph.InputIds, tokensMax);
        _mask = graph.AttentionMask is { } mask ? Input(mask, maskMax) : null;
        _positions = graph.PositionIds is { } positions ? Input(positions, tokensMax) : null;
        _rows = graph.LogitRows == ExportedGraph.Rows ? Input(GraphContract.LogitRows, rowsMax) : null;
        if (graph.LogitRows == ExportedGraph.Last)
        {
            // A scalar in some exports, a vector in others.
            long[] dimensions = session.InputMetadata[LogitsToKeep].Dimensions.Length == 0 ? [] : [1];
            Binding.BindInput(LogitsToKeep, _keepValue = _keep.View(TensorElementType.Int64, sizeof(long), dimensions));
        }

        _wanted = new long[rowsMax];
        _logitsType = session.OutputMetadata[graph.Logits].ElementDataType;
        _logits = new AlignedBuffer(LogitBytes(graph, vocabulary, tokensMax, rowsMax, ElementBytes));
    }

    public OrtIoBinding Binding { get; }

    private int ElementBytes => _logitsType == TensorElementType.Float16 ? sizeof(ushort) : sizeof(float);

    /// <summary>Bytes of the logits of the largest run.</summary>
    public static long LogitBytes(ExportedGraph graph, int vocabulary, int tokensMax, int rowsMax, int elementBytes) =>
        (graph.LogitRows == ExportedGraph.All ? tokensMax : (long)rowsMax) * vocabulary * elementBytes;

    /// <summary>The run's tokens, to be filled.</summary>
    public Span<long> Ids(int count) => _ids.Span<long>(count);

    /// <summary>Indices of the tokens whose logits are wanted, to be filled.</summary>
    public Span<long> Rows(int count) => _wanted.AsSpan(0, count);

    /// <summary>Binds everything for a run.</summary>
    /// <param name="tokensEach">New tokens of each sequence.</param>
    /// <param name="last">Position of each sequence's last new token.</param>
    /// <param name="positions">Positions up to the longest sequence's last token.</param>
    /// <param name="rowCount">Rows that <see cref="Rows"/> was filled with; at least one.</param>
    public void Shape(int tokensEach, ReadOnlySpan<int> last, int positions, int rowCount)
    {
        _tokensEach = tokensEach;
        _ids.Bind(last.Length, tokensEach);
        if (_mask is not null)
        {
            var mask = _mask.Span<long>(last.Length * positions);
            for (var i = 0; i < last.Length; i++)
            {
                mask.Slice(i * positions, last[i] + 1).Fill(1);
                mask.Slice((i * positions) + last[i] + 1, positions - last[i] - 1).Clear();
            }

            _mask.Bind(last.Length, positions);
        }

        if (_positions is not null)
        {
            var values = _positions.Span<long>(last.Length * tokensEach);
            for (var i = 0; i < values.Length; i++)
                values[i] = last[i / tokensEach] - tokensEach + 1 + (i % tokensEach);
            _positions.Bind(last.Length, tokensEach);
        }

        BindLogits(last.Length, rowCount);
    }

    /// <summary>A row of logits of the run as float.</summary>
    /// <param name="row">Index into what <see cref="Rows"/> was filled with.</param>
    /// <param name="destination">Vocabulary.</param>
    public void CopyLogits(int row, Span<float> destination)
    {
        var token = (int)_wanted[row];
        var index = _graph.LogitRows switch
        {
            ExportedGraph.Rows => row,
            ExportedGraph.Last => (token / _tokensEach * _kept) + (token % _tokensEach) - _tokensEach + _kept,
            _ => token,
        };
        var (start, end) = (index * _vocabulary, (index + 1) * _vocabulary);
        if (_logitsType == TensorElementType.Float16)
            TensorPrimitives.ConvertToSingle(_logits.Span<Half>(end)[start..], destination);
        else
            _logits.Span<float>(end)[start..].CopyTo(destination);
    }

    public void Dispose()
    {
        Binding.Dispose();
        _ids.Dispose();
        _mask?.Dispose();
        _positions?.Dispose();
        _rows?.Dispose();
        _keepValue?.Dispose();
        _keep.Dispose();
        _logitsValue?.Dispose();
        _logits.Dispose();
    }

    private StepTensor Input(string name, long elements) =>
        new(Binding, name, TensorElementType.Int64, sizeof(long), elements);

    private void BindLogits(int sequences, int rowCount)
    {
        _rows?.Set<long>(_wanted.AsSpan(0, rowCount));
        // The rows that anybody wants are the last ones of a chunk.
        _kept = _tokensEach == 1 ? 1 : rowCount;
        _keep.Span<long>(1)[0] = _kept;
        var shape = _graph.LogitRows switch
        {
            ExportedGraph.Rows => (rowCount, -1L),
            ExportedGraph.Last => (sequences, _kept),
            _ => (sequences, _tokensEach),
        };
        if (_logitsValue is not null && shape == _logitsShape)
            return;
        var value = shape.Item2 < 0
            ? _logits.View(_logitsType, ElementBytes, shape.Item1, _vocabulary)
            : _logits.View(_logitsType, ElementBytes, shape.Item1, shape.Item2, _vocabulary);
        Binding.BindOutput(_graph.Logits, value);
        _logitsValue?.Dispose();
        (_logitsValue, _logitsShape) = (value, shape);
    }
}
