using System.Buffers.Text;
using System.Text;

namespace Parley.Gateway.ResponsesApi;

/// <summary>
/// The <c>encrypted_content</c> of a compaction: the summary as base64url behind a mark of ours. It is not secret, and need not be: whoever
/// has it may say anything in the model's name anyway, since the whole conversation is the caller's.
/// </summary>
internal static class CompactedText
{
    private const string Mark = "parley1.";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static string Write(string text) => Mark + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    /// <summary>The summary; null where it is none of ours.</summary>
    public static string? Read(string content)
    {
        if (!content.StartsWith(Mark, StringComparison.Ordinal) || !Base64Url.IsValid(content.AsSpan(Mark.Length)))
            return null;
        try
        {
            return Strict.GetString(Base64Url.DecodeFromChars(content.AsSpan(Mark.Length)));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
