using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Encoders.PreTokenizers;
using Parley.Tokenizer.Templating;

namespace Parley.Tokenizer;

/// <summary>Loads the model before any port opens: a folder that cannot be served fails the start with its reason.</summary>
internal sealed class TokenizerStartup(Lazy<TokenizerModel> model, TimeProvider clock, ILogger<TokenizerStartup> logger)
    : IHostedLifecycleService
{
    private const int WarmUpRounds = 40;
    private const string WarmUpText = ": it's 3.14 o'clock,\n\n naïve 你好 🙂 text!";

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        var loaded = model.Value;
        WarmUp(loaded.Tokenizer);
        Log.Loaded(logger, loaded.Name, clock.GetElapsedTime(started).TotalMilliseconds, loaded.Tokenizer.Algorithm, loaded.Tokens.Count,
            loaded.TemplateNames.Count == 0 ? "none" : string.Join(", ", loaded.TemplateNames));
        return Task.CompletedTask;
    }

    // The first requests would otherwise pay for compiling the encoder.
    private static void WarmUp(HuggingFaceTokenizer tokenizer)
    {
        var ids = new List<int>();
        for (var i = 0; i < WarmUpRounds; i++)
        {
            ids.Clear();
            try
            {
                tokenizer.Encode($"Warm-up {i}{WarmUpText}", UserRanges.None, addSpecialTokens: true, ids);
            }
            catch (UncoveredTextException)
            {
                // A vocabulary that lacks one of these characters is none the worse for it.
                return;
            }
            catch (TextLimitException exception)
            {
                throw new InvalidDataException(
                    $"The tokenizer fails on a text of {WarmUpText.Length} characters: {exception.Message}", exception);
            }
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
