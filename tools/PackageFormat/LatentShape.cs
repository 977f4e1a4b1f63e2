using System.Text.Json.Serialization;

namespace Parley.PackageFormat;

/// <summary>What the cache holds of a token where all heads' keys and values are functions of one latent.</summary>
/// <param name="Rank">Numbers of the latent.</param>
/// <param name="Rotary">Numbers beside it that turn with the position, the same for all heads.</param>
public sealed record LatentShape(int Rank, int Rotary)
{
    /// <summary>Most numbers of a latent; it is a multiple of 16.</summary>
    public const int RankMax = 4096;

    /// <summary>Most numbers that turn; it is even.</summary>
    public const int RotaryMax = 256;

    /// <summary>Numbers of the turned part as the cache holds it.</summary>
    [JsonIgnore]
    public int RotaryStored => Stored(Rotary);

    /// <summary>The same of any size: whole vectors.</summary>
    public static int Stored(int rotary) => (rotary + 15) / 16 * 16;
}
