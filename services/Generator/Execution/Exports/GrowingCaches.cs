using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Exports;

/// <summary>
/// Keys and values of each slot as a growing graph wants them, [1, heads, length, head size] without gaps, in memory of the longest
/// sequence. A run reads those of a slot and writes old and new ones to a spare place, which is then the slot's: nothing is allocated.
/// </summary>
internal sealed class GrowingCaches : IDisposable
{
    private readonly List<(string Past, string Present)> _names = [];
    private readonly List<OrtValue> _values = [];
    private readonly AlignedBuffer[] _places;
    private readonly int[] _placeOf;
    private readonly int[] _lengths;
    private readonly ModelShape _shape;
    private readonly TensorElementType _type;
    private readonly int _elementBytes;
    private readonly int _positions;
    private int _spare;

    public GrowingCaches(ModelShape shape, ExportedGraph graph, int slots, int positions)
    {
        (_shape, _positions, _spare) = (shape, positions, slots);
        (_type, _elementBytes) = SlotCaches.TypeOf(graph);
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            _names.Add((ExportedGraph.Of(graph.PastKeys, layer), ExportedGraph.Of(graph.PresentKeys, layer)));
            _names.Add((ExportedGraph.Of(graph.PastValues, layer), ExportedGraph.Of(graph.PresentValues, layer)));
        }

        _places = [.. Enumerable.Range(0, slots + 1).Select(_ => new AlignedBuffer(_names.Count * RegionBytes))];
        _placeOf = [.. Enumerable.Range(0, slots)];
        _lengths = new int[slots];
    }

    /// <summary>Bytes of one layer's keys of the longest sequence.</summary>
    private long RegionBytes => _positions * PositionBytes * _shape.KeyValueHeads;

    private long PositionBytes => (long)_shape.HeadSize * _elementBytes;

    /// <summary>Binds what a slot holds, and where the same and new tokens are to go.</summary>
    /// <param name="binding">The run's.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="past">Tokens of it that count; what lies behind them is forgotten.</param>
    /// <param name="tokens">New tokens.</param>
    /// <exception cref="ArgumentException">It does not hold so many.</exception>
    public void Bind(OrtIoBinding binding, int slot, int past, int tokens)
    {
        if (past > _lengths[slot])
            throw new ArgumentException($"Slot {slot} holds {_lengths[slot]} tokens, not {past}.");
        Trim(slot, past);
        foreach (var value in _values)
            value.Dispose();
        _values.Clear();
        for (var i = 0; i < _names.Count; i++)
        {
            _values.Add(View(_places[_placeOf[slot]], i, past));
            binding.BindInput(_names[i].Past, _values[^1]);
            _values.Add(View(_places[_spare], i, past + tokens));
            binding.BindOutput(_names[i].Present, _values[^1]);
        }
    }

    /// <summary>The run that was bound last has succeeded.</summary>
    public void Commit(int slot, int length)
    {
        (_placeOf[slot], _spare) = (_spare, _placeOf[slot]);
        _lengths[slot] = length;
    }

    /// <summary>Copies what a slot holds over another's.</summary>
    public unsafe void Copy(int source, int destination)
    {
        var bytes = _lengths[source] * PositionBytes * _shape.KeyValueHeads;
        for (var i = 0; i < _names.Count; i++)
        {
            Buffer.MemoryCopy(
                (byte*)_places[_placeOf[source]].Address + (i * RegionBytes),
                (byte*)_places[_placeOf[destination]].Address + (i * RegionBytes), bytes, bytes);
        }

        _lengths[destination] = _lengths[source];
    }

    public void Dispose()
    {
        foreach (var value in _values)
            value.Dispose();
        foreach (var place in _places)
            place.Dispose();
    }

    /// <summary>Heads lie one behind the other, so to forget the last positions moves all but the first.</summary>
    private unsafe void Trim(int slot, int length)
    {
        var held = _lengths[slot];
        _lengths[slot] = length;
        if (held == length || length == 0)
            return;
        for (var i = 0; i < _names.Count; i++)
        {
            var region = (byte*)_places[_placeOf[slot]].Address + (i * RegionBytes);
            for (var head = 1; head < _shape.KeyValueHeads; head++)
            {
                Buffer.MemoryCopy(
                    region + (head * held * PositionBytes), region + (head * length * PositionBytes), length * PositionBytes,
                    length * PositionBytes);
            }
        }
    }

    private OrtValue View(AlignedBuffer place, int index, int length) => place.ViewAt(
        index * RegionBytes, _type, _elementBytes, 1, _shape.KeyValueHeads, length, _shape.HeadSize);
}
