using System.Buffers.Binary;

namespace Parley.ModelImporter.Synthesis;

/// <summary>Random bf16 weights around zero, reproducible from a seed, in any order of chunks.</summary>
internal static class RandomWeights
{
    /// <summary>Spread of the weights of untrained Llama checkpoints (<c>initializer_range</c>).</summary>
    private const float StandardDeviation = 0.02f;

    /// <summary>Fills a chunk.</summary>
    /// <param name="seed">Seed of the chunk.</param>
    /// <param name="values">Takes bf16 values, little-endian.</param>
    public static void Fill(ulong seed, Span<byte> values)
    {
        // Each half of a random word is the sum of two uniform 16-bit numbers: a triangle, which is near enough to a bell.
        const float Scale = StandardDeviation * 2.4494897f / 65536;
        for (var i = 0; i < values.Length / 2; i += 2)
        {
            var word = Mix(ref seed);
            Store(values, i, ((int)(ushort)word + (ushort)(word >> 16) - 65535) * Scale);
            if (i + 1 < values.Length / 2)
                Store(values, i + 1, ((int)(ushort)(word >> 32) + (ushort)(word >> 48) - 65535) * Scale);
        }
    }

    /// <summary>SplitMix64: one multiplication chain per word, and any seed is a good one.</summary>
    private static ulong Mix(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static void Store(Span<byte> values, int index, float value) =>
        BinaryPrimitives.WriteUInt16LittleEndian(values[(2 * index)..], (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
}
