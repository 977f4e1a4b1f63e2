namespace Parley.Gateway.Responses.Formats;

/// <summary>What stands at a place of a call.</summary>
internal enum CallPartKind
{
    /// <summary>A text that is always the same.</summary>
    Text,

    /// <summary>The function's name as it is.</summary>
    Name,

    /// <summary>The function's name, escaped as within a JSON string.</summary>
    NameInJson,

    /// <summary>The call's number within the answer.</summary>
    Index,

    /// <summary>The arguments as a JSON object.</summary>
    JsonArguments,

    /// <summary>The arguments one by one, each between texts of its own; strings as they are, anything else as JSON.</summary>
    TaggedArguments,

    /// <summary>The arguments as a JSON object whose keys have no quotes and whose strings stand between a mark.</summary>
    DialectArguments,

    /// <summary>The arguments as Python's keyword arguments.</summary>
    PythonArguments,
}
