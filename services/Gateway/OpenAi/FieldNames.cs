using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>The fields of the gRPC contract under the names that an OpenAI request gives them.</summary>
internal static class FieldNames
{
    /// <summary>An error whose fields have the names that another route gives them.</summary>
    /// <param name="error">The pipeline's.</param>
    /// <param name="nameOf">From the name here to the name there.</param>
    public static ChatError Rename(ChatError error, Func<string, string> nameOf) => error.Rename(field => nameOf(ToOpenAi(field)));

    public static string ToOpenAi(string field)
    {
        var name = field;
        foreach (var prefix in (ReadOnlySpan<string>)["sampling.", "processors.", "chat."])
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                name = name[prefix.Length..];
        }

        if (name.EndsWith("].image", StringComparison.Ordinal))
            name = name[..^"image".Length] + "type";
        return name
            .Replace(".parts[", ".content[", StringComparison.Ordinal)
            .Replace("template_arguments_json", "chat_template_kwargs", StringComparison.Ordinal)
            .Replace(".arguments_json", ".function.arguments", StringComparison.Ordinal)
            .Replace("tools_json", "tools", StringComparison.Ordinal)
            .Replace("documents_json", "documents", StringComparison.Ordinal);
    }
}
