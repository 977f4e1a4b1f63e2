using System.IO.Hashing;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.PackageFormat;

namespace Parley.Generator.Execution;

/// <summary>
/// The memory of all slots: a slot is what one sequence carries beside keys and values, over all layers. Allocated once and bound once; the
/// operators write it in place. Beside it the two inputs that say which slots a step reads and writes.
/// </summary>
internal sealed class StateBuffers : IDisposable
{
    private readonly List<AlignedBuffer> _buffers = [];
    private readonly List<OrtValue> _values = [];
    private readonly XxHash3 _hash = new();
    private readonly StepTensor _stateIn;
    private readonly StepTensor _stateOut;

    public StateBuffers(IReadOnlyList<StateShape> states, RunnerOptions options, OrtIoBinding binding)
    {
        Slots = options.StateSlots > 0 ? options.StateSlots : options.SequencesMax;
        foreach (var state in states)
        {
            var buffer = new AlignedBuffer(checked(Slots * state.Elements * sizeof(float)));
            _buffers.Add(buffer);
            var value = buffer.View(TensorElementType.Float, sizeof(float), Slots, state.Elements);
            _values.Add(value);
            binding.BindInput(state.InputName, value);
        }

        _stateIn = new StepTensor(binding, GraphContract.StateIn, TensorElementType.Int32, sizeof(int), options.SequencesMax);
        _stateOut = new StepTensor(binding, GraphContract.StateOut, TensorElementType.Int32, sizeof(int), options.StepTokensMax);
    }

    public int Slots { get; }

    /// <summary>All of the memory.</summary>
    public long Bytes => _buffers.Sum(buffer => buffer.Bytes);

    /// <summary>A checksum of what a slot holds, over all layers.</summary>
    public ulong Checksum(int slot)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)slot, (uint)Slots);
        _hash.Reset();
        foreach (var buffer in _buffers)
        {
            var bytes = (int)(buffer.Bytes / Slots);
            _hash.Append(buffer.BytesAt((long)slot * bytes, bytes));
        }

        return _hash.GetCurrentHashAsUInt64();
    }

    /// <summary>Says which slots a step reads and writes.</summary>
    /// <exception cref="ArgumentException">A sequence with a past has no state: it would get wrong numbers that look right.</exception>
    public void Set(StepBatch batch)
    {
        for (var i = 0; i < batch.SequenceCount; i++)
        {
            if (batch.StateIn[i] < 0 && batch.PastLengths[i] > 0)
                throw new ArgumentException($"Sequence {i} has {batch.PastLengths[i]} tokens in the cache and no state.", nameof(batch));
        }

        _stateIn.Set<int>(batch.StateIn.AsSpan(0, batch.SequenceCount));
        _stateOut.Set<int>(batch.StateOut.AsSpan(0, batch.TokenCount));
    }

    public void Dispose()
    {
        foreach (var value in _values)
            value.Dispose();
        foreach (var buffer in _buffers)
            buffer.Dispose();
        _values.Clear();
        _buffers.Clear();
        _stateIn.Dispose();
        _stateOut.Dispose();
    }
}
