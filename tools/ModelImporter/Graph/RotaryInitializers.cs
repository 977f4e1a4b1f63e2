using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;

namespace Parley.ModelImporter.Graph;

/// <summary>Cosines and sines [positions, rotary pairs] as initializers that all attention nodes of the same positions share.</summary>
internal sealed class RotaryInitializers(OnnxGraphBuilder graph, int positions, ElementType type)
{
    private const int PositionsPerChunk = 512;

    private readonly Dictionary<(RotarySettings Settings, int HeadSize), (string Cosines, string Sines)> _tables = [];

    /// <summary>Plans the tables of all layers whose positions depend on nothing else.</summary>
    public RotaryInitializers AddAll(DecoderConfig config)
    {
        for (var layer = 0; layer < config.Layers.Count; layer++)
        {
            if (config.Layers[layer].Rotary is { } rotary && !PositionRules.DependsOnLength(rotary, positions))
                Of(rotary, config.Latent?.RotarySize ?? config.HeadSizeOf(layer));
        }

        return this;
    }

    /// <summary>Plans both tables, or finds them.</summary>
    public (string Cosines, string Sines) Of(RotarySettings settings, int headSize)
    {
        if (!_tables.TryGetValue((settings, headSize), out var tables))
        {
            tables = Add(settings, headSize, _tables.Count == 0 ? "rotary" : $"rotary.{_tables.Count}");
            _tables[(settings, headSize)] = tables;
        }

        return tables;
    }

    private (string Cosines, string Sines) Add(RotarySettings settings, int headSize, string name)
    {
        var pairs = settings.Pairs(headSize);
        var cosines = type.Reserve(graph, $"{name}.cos", positions, pairs);
        var sines = type.Reserve(graph, $"{name}.sin", positions, pairs);
        var frequencies = RotaryTables.InverseFrequencies(settings, headSize);
        graph.Fill(
            (data, options) => Parallel.For(0, (positions + PositionsPerChunk - 1) / PositionsPerChunk, options, chunk =>
            {
                var first = chunk * PositionsPerChunk;
                var count = Math.Min(PositionsPerChunk, positions - first);
                Span<float> cos = new float[count * pairs];
                Span<float> sin = new float[count * pairs];
                for (var i = 0; i < count; i++)
                {
                    RotaryTables.Fill(
                        frequencies, settings.AttentionFactor, first + i, cos.Slice(i * pairs, pairs), sin.Slice(i * pairs, pairs));
                }

                type.Write(data, cosines, (long)first * pairs, cos);
                type.Write(data, sines, (long)first * pairs, sin);
            }),
            cosines,
            sines);
        return (cosines.Name, sines.Name);
    }
}
