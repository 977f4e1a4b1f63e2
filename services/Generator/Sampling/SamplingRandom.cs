namespace Parley.Generator.Sampling;

/// <summary>
/// The chance of one sequence: Philox4x32 with 10 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), a
/// function of a key and a counter. The key is the seed and the counter the token's place in the answer, so the number depends on
/// neither batch mates nor on how often a step was tried, and another replica can continue where one stopped.
/// </summary>
internal static class SamplingRandom
{
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    /// <param name="seed">Key of the sequence.</param>
    /// <param name="position">Place in the answer, from 0.</param>
    /// <param name="stream">0 is the draw of the token itself; others are for what is drawn beside it.</param>
    public static double NextUniform(ulong seed, long position, uint stream = 0)
    {
        var (word0, word1, _, _) = Philox((uint)position, (uint)(position >> 32), stream, 0, (uint)seed, (uint)(seed >> 32));
        return (((ulong)word0 << 21) ^ (word1 >> 11)) * (1.0 / (1UL << 53));
    }

    /// <summary>The bijection itself: four counter words under two key words.</summary>
    internal static (uint X0, uint X1, uint X2, uint X3) Philox(uint x0, uint x1, uint x2, uint x3, uint key0, uint key1)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var product0 = (ulong)Multiplier0 * x0;
            var product1 = (ulong)Multiplier1 * x2;
            (x0, x1, x2, x3) = ((uint)(product1 >> 32) ^ x1 ^ key0, (uint)product1, (uint)(product0 >> 32) ^ x3 ^ key1, (uint)product0);
            unchecked
            {
                key0 += Weyl0;
                key1 += Weyl1;
            }
        }

        return (x0, x1, x2, x3);
    }
}
