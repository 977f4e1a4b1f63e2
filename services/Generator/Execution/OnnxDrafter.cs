using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.PackageFormat;

namespace Parley.Generator.Execution;

/// <summary>
/// A package's <c>drafter.onnx</c>, over the weights and in the blocks of the model's own runner: keys and values of the layer behind the
/// last. Everything is allocated at start.
/// </summary>
internal sealed class OnnxDrafter : IDrafter, IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions;
    private readonly OrtIoBinding _binding;
    private readonly StepTensor _modelStream;
    private readonly StepInputs _inputs;
    private readonly StepTensor _stream;
    private readonly StepTensor _nextStream;
    private readonly StepTensor _logits;
    private readonly int[] _best;
    private readonly (int Hidden, int Vocabulary) _sizes;
    private readonly RunnerOptions _options;

    private OnnxDrafter(
        InferenceSession session, ModelShape shape, RunnerOptions options, KvCacheBuffers cache, StepTensor modelStream,
        RunOptions runOptions)
    {
        (_session, _options, _runOptions, _modelStream) = (session, options, runOptions, modelStream);
        _sizes = (shape.HiddenSize, session.OutputMetadata[GraphContract.Logits].Dimensions[1]);
        _binding = session.CreateIoBinding();
        cache.Bind(_binding, layer => layer >= shape.Layers);
        var (tokens, sequences) = (options.StepTokensMax, options.SequencesMax);
        _inputs = new StepInputs(session, _binding, options, sequences);
        _stream = new StepTensor(
            _binding, GraphContract.Stream, TensorElementType.Float, sizeof(float), checked((long)tokens * shape.HiddenSize));
        _nextStream = new StepTensor(
            _binding, GraphContract.NextStream, TensorElementType.Float, sizeof(float), checked((long)sequences * shape.HiddenSize),
            isOutput: true);
        _logits = new StepTensor(
            _binding, GraphContract.Logits, TensorElementType.Float, sizeof(float), checked((long)sequences * _sizes.Vocabulary),
            isOutput: true);
        _best = new int[sequences];
    }

    /// <summary>Loads the graph.</summary>
    /// <param name="path">Path of <c>drafter.onnx</c>.</param>
    /// <param name="shape">The model's.</param>
    /// <param name="options">Those of the model's runner.</param>
    /// <param name="cache">The runner's blocks.</param>
    /// <param name="modelStream">Where the model leaves its streams [tokens, hidden].</param>
    /// <param name="runOptions">By which a run can be ended.</param>
    /// <exception cref="InvalidDataException">The graph cannot be loaded or does not fit the manifest.</exception>
    public static OnnxDrafter Create(
        string path, ModelShape shape, RunnerOptions options, KvCacheBuffers cache, StepTensor modelStream, RunOptions runOptions)
    {
        var session = SessionFactory.Create(path, options.Threads, options.SpinMicroseconds, shape, options.CachePrecision);
        try
        {
            GraphContract.VerifyDrafter(session, shape, options.CachePrecision, path);
            return new OnnxDrafter(session, shape, options, cache, modelStream, runOptions);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    /// <exception cref="OnnxRuntimeException">A node failed or the run was terminated.</exception>
    public ReadOnlySpan<int> Guess(StepBatch batch, ReadOnlySpan<int> streams, bool goesOn)
    {
        var tokens = batch.TokenCount;
        ArgumentOutOfRangeException.ThrowIfZero(tokens);
        ArgumentOutOfRangeException.ThrowIfNotEqual(streams.Length, tokens);
        var hidden = _sizes.Hidden;
        var source = goesOn ? _nextStream.Span<float>(_options.SequencesMax * hidden) : _modelStream.Span<float>(
            _options.StepTokensMax * hidden);
        var target = _stream.Span<float>(tokens * hidden);
        for (var i = 0; i < tokens; i++)
            source.Slice(streams[i] * hidden, hidden).CopyTo(target[(i * hidden)..]);
        _stream.Bind(tokens, hidden);
        // Where keys alone are wanted, the one row is dropped.
        var rows = _inputs.Set(batch);
        _nextStream.Bind(rows, hidden);
        _logits.Bind(rows, _sizes.Vocabulary);
        _session.RunWithBinding(_runOptions, _binding);
        for (var row = 0; row < batch.LogitRowCount; row++)
        {
            // NaN is the greatest to this search.
            ReadOnlySpan<float> logits = _logits.Span<float>((row + 1) * _sizes.Vocabulary)[(row * _sizes.Vocabulary)..];
            var best = TensorPrimitives.IndexOfMax(logits);
            _best[row] = float.IsFinite(logits[best]) ? best : -1;
        }

        return _best.AsSpan(0, batch.LogitRowCount);
    }

    public void Dispose()
    {
        _binding.Dispose();
        _inputs.Dispose();
        _stream.Dispose();
        _nextStream.Dispose();
        _logits.Dispose();
        _session.Dispose();
    }
}
