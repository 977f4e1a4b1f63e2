namespace Parley.PackageFormat;

/// <summary>
/// What a package holds whose graph an exporter of others has written: how a step is given to it. Null in the manifest of a package with a
/// graph of ours. A <c>%d</c> in a name stands for the layer.
/// </summary>
/// <param name="Convention">Whose: <see cref="Genai"/> or <see cref="Optimum"/>.</param>
/// <param name="Caches"><see cref="Shared"/> or <see cref="Growing"/>.</param>
/// <param name="CacheType">Element type of keys and values: <c>fp32</c> or <c>fp16</c>.</param>
/// <param name="InputIds">Input of the tokens, int64 [sequences, tokens].</param>
/// <param name="AttentionMask">Input of ones and zeros, int64 [sequences, past and new tokens]; null where the graph has none.</param>
/// <param name="PositionIds">Input of the tokens' positions, int64 [sequences, tokens]; null where the graph has none.</param>
/// <param name="PastKeys">Inputs of the keys, [sequences, heads, positions, head size].</param>
/// <param name="PastValues">Inputs of the values, of the same shape.</param>
/// <param name="PresentKeys">Outputs of the keys with those of the new tokens.</param>
/// <param name="PresentValues">Outputs of the values.</param>
/// <param name="Logits">Output of the logits.</param>
/// <param name="LogitRows">Which logits the graph gives: <see cref="Rows"/>, <see cref="Last"/> or <see cref="All"/>.</param>
/// <param name="Data">Files of the weights beside <c>model.onnx</c>.</param>
public sealed record ExportedGraph(
    string Convention,
    string Caches,
    string CacheType,
    string InputIds,
    string? AttentionMask,
    string? PositionIds,
    string PastKeys,
    string PastValues,
    string PresentKeys,
    string PresentValues,
    string Logits,
    string LogitRows,
    IReadOnlyList<string> Data)
{
    /// <summary>By onnxruntime-genai's builder, with a <c>genai_config.json</c>.</summary>
    public const string Genai = "onnxruntime-genai";

    /// <summary>By optimum, as onnx-community publishes them, with a <c>config.json</c>.</summary>
    public const string Optimum = "optimum";

    /// <summary>
    /// GroupQueryAttention writes new keys into the buffer that it reads the old ones from, at each sequence's own length.
    /// </summary>
    public const string Shared = "shared";

    /// <summary>A step gives the old keys and the new ones together, as long as both.</summary>
    public const string Growing = "growing";

    /// <summary>The import has added an input <c>logit_rows</c> in front of the head: logits [rows, vocabulary].</summary>
    public const string Rows = "rows";

    /// <summary>An input <c>num_logits_to_keep</c> says how many of the last: logits [sequences, so many, vocabulary].</summary>
    public const string Last = "last";

    /// <summary>Those of all tokens: logits [sequences, tokens, vocabulary].</summary>
    public const string All = "all";

    /// <summary>A name for one layer.</summary>
    public static string Of(string pattern, int layer)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return pattern.Replace("%d", layer.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }
}
