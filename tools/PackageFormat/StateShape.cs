using System.Text.Json.Serialization;

namespace Parley.PackageFormat;

/// <summary>
/// What a sequence carries from token to token in one layer beside keys and values: a matrix of fp32 of a fixed size, however long the
/// sequence is.
/// </summary>
/// <param name="Layer">Index of the layer.</param>
/// <param name="Kind">What it is, e.g. <see cref="Convolution"/>; no two of a layer are of one kind.</param>
/// <param name="Rows">Rows of the matrix.</param>
/// <param name="Columns">Columns of the matrix.</param>
public sealed record StateShape(int Layer, string Kind, int Rows, int Columns)
{
    /// <summary>The last inputs of a short convolution [width − 1, channels], the oldest first.</summary>
    public const string Convolution = "convolution";

    /// <summary>Numbers of the matrix.</summary>
    [JsonIgnore]
    public long Elements => (long)Rows * Columns;

    /// <summary>Name of the graph's input with the states of all slots [slots, rows · columns].</summary>
    [JsonIgnore]
    public string InputName => $"{Kind}_state.{Layer}";
}
