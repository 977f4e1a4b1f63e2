using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Parley.Gateway.Balancing;

/// <summary>
/// A prompt cut into blocks as the Generator's cache is, each named by a hash of it and of all before it: two prompts that share a name
/// share everything up to there. Collisions cost a detour, never an answer: replicas compare ids themselves.
/// </summary>
internal static class PromptBlocks
{
    /// <summary>Names of the whole blocks of a prompt, in order.</summary>
    /// <param name="ids">The prompt's ids.</param>
    /// <param name="blockTokens">Ids of a block, at least 1.</param>
    /// <param name="blocksMax">Only the first so many are named.</param>
    /// <param name="adapter">Of the weights, by which the same ids give other keys; empty for the model alone.</param>
    public static ulong[] Hash(IReadOnlyList<uint> ids, int blockTokens, int blocksMax, string adapter = "")
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockTokens, 1);
        var names = new ulong[Math.Min(ids.Count / blockTokens, blocksMax)];
        var block = new uint[blockTokens];
        var name = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(adapter.AsSpan()));
        for (var i = 0; i < names.Length; i++)
        {
            for (var j = 0; j < blockTokens; j++)
                block[j] = ids[(i * blockTokens) + j];
            name = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(block.AsSpan()), unchecked((long)name));
            names[i] = name;
        }

        return names;
    }
}
