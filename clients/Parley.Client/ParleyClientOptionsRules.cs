using Microsoft.Extensions.Options;

namespace Parley.Client;

/// <summary>Finds every fault of the settings, and never shows a key.</summary>
internal sealed class ParleyClientOptionsRules : IValidateOptions<ParleyClientOptions>
{
    private const int KeyCharactersMax = 512;
    private const int BytesLeast = 1024;
    private const int BytesMost = 1 << 30;
    private const int AttemptsMost = 20;
    private static readonly TimeSpan DelayMost = TimeSpan.FromHours(1);
    private static readonly TimeSpan TimeoutMost = TimeSpan.FromHours(24);

    public ValidateOptionsResult Validate(string? name, ParleyClientOptions options)
    {
        var faults = Faults(options);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    /// <exception cref="OptionsValidationException">A setting is at fault; the message names all of them.</exception>
    public static void ThrowIfFaulty(ParleyClientOptions options)
    {
        var faults = Faults(options);
        if (faults.Count > 0)
            throw new OptionsValidationException(Options.DefaultName, typeof(ParleyClientOptions), faults);
    }

    private static List<string> Faults(ParleyClientOptions options)
    {
        var faults = new List<string>();
        if (ServerAddress.FaultOf(options.Address) is { } fault)
            faults.Add($"Address: {fault}");
        else if (options.Tls && options.Address.StartsWith("http:", StringComparison.OrdinalIgnoreCase))
            faults.Add("Tls: the address says http; write https there.");
        CheckKey(options.ApiKey, faults);
        if (options.CertificateAuthorityFile is { Length: > 0 } file && !File.Exists(file))
            faults.Add($"CertificateAuthorityFile: there is no file {file}.");
        var isOwnHandlerSet = options.ConfigureHandler is not null || options.CertificateAuthorityFile is { Length: > 0 };
        if (options.CreateHandler is not null && isOwnHandlerSet)
            faults.Add("CreateHandler: is in place of the handler that ConfigureHandler and CertificateAuthorityFile are about; give one.");
        if (options.CreateHandler is not null && options.Address is { } address && IsBalanced(address))
            faults.Add("CreateHandler: an address that is balanced needs the client's own handler; give http or https.");
        if (options.Timeout != Timeout.InfiniteTimeSpan && (options.Timeout <= TimeSpan.Zero || options.Timeout > TimeoutMost))
            faults.Add($"Timeout: must be above 0 and at most 24 hours, or infinite (it is {options.Timeout}).");
        if (options.MessageBytesMax is < BytesLeast or > BytesMost)
            faults.Add($"MessageBytesMax: must be between {BytesLeast} and {BytesMost} (it is {options.MessageBytesMax}).");
        if (!Enum.IsDefined(options.UnknownProperties))
            faults.Add($"UnknownProperties: must be Ignore or Refuse (it is {options.UnknownProperties}).");
        if (options.Retry is null)
            faults.Add("Retry: is missing; one try alone is AttemptsMax = 1.");
        else
            CheckRetry(options.Retry, faults);
        return faults;
    }

    private static bool IsBalanced(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && ServerAddress.IsBalanced(uri);

    private static void CheckKey(string? key, List<string> faults)
    {
        if (key is null)
            return;
        if (key.Length is 0 or > KeyCharactersMax)
            faults.Add($"ApiKey: must have between 1 and {KeyCharactersMax} characters (it has {key.Length}); none is null.");
        else if (key.Any(letter => letter is <= ' ' or > '~'))
            faults.Add("ApiKey: holds a blank or a character that a header cannot carry; a key is printable ASCII without blanks.");
    }

    private static void CheckRetry(ParleyRetryOptions retry, List<string> faults)
    {
        if (retry.AttemptsMax is < 1 or > AttemptsMost)
            faults.Add($"Retry.AttemptsMax: must be between 1 and {AttemptsMost} (it is {retry.AttemptsMax}).");
        if (retry.InitialDelay < TimeSpan.Zero || retry.InitialDelay > DelayMost)
            faults.Add($"Retry.InitialDelay: must be between 0 and 1 hour (it is {retry.InitialDelay}).");
        if (retry.DelayMax < TimeSpan.Zero || retry.DelayMax > DelayMost)
            faults.Add($"Retry.DelayMax: must be between 0 and 1 hour (it is {retry.DelayMax}).");
    }
}
