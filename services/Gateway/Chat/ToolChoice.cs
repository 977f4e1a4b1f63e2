namespace Parley.Gateway.Chat;

/// <summary>Whether the model calls tools.</summary>
internal enum ToolChoice
{
    /// <summary>The model decides.</summary>
    Auto,

    /// <summary>It does not hear of them.</summary>
    None,

    /// <summary>It calls at least one.</summary>
    Required,

    /// <summary>It calls a given one.</summary>
    Named,
}
