using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;

namespace Parley.ModelImporter.Graph;

/// <summary>Cosines and sines [positions, head size / 2] as initializers that all attention nodes share.</summary>
internal static class RotaryInitializers
{
    private const int PositionsPerChunk = 512;

    /// <summary>Plans both tables.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="config">The decoder.</param>
    /// <param name="positions">Positions that the tables cover.</param>
    /// <param name="type">Their element type.</param>
    public static (string Cosines, string Sines) Add(OnnxGraphBuilder graph, DecoderConfig config, int positions, ElementType type)
    {
        var half = config.Shape.HeadSize / 2;
        var cosines = type.Reserve(graph, "rotary.cos", positions, half);
        var sines = type.Reserve(graph, "rotary.sin", positions, half);
        var frequencies = RotaryTables.InverseFrequencies(config.Rotary, config.Shape.HeadSize);
        graph.Fill(
            (data, options) => Parallel.For(0, (positions + PositionsPerChunk - 1) / PositionsPerChunk, options, chunk =>
            {
                var first = chunk * PositionsPerChunk;
                var count = Math.Min(PositionsPerChunk, positions - first);
                Span<float> cos = new float[count * half];
                Span<float> sin = new float[count * half];
                for (var i = 0; i < count; i++)
                    RotaryTables.Fill(frequencies, first + i, cos.Slice(i * half, half), sin.Slice(i * half, half));
                type.Write(data, cosines, (long)first * half, cos);
                type.Write(data, sines, (long)first * half, sin);
            }),
            cosines,
            sines);
        return (cosines.Name, sines.Name);
    }
}
