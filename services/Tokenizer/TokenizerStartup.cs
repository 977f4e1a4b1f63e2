using Parley.Tokenizer.Templating;

namespace Parley.Tokenizer;

/// <summary>Loads the model before any port opens: a folder that cannot be served fails the start with its reason.</summary>
internal sealed class TokenizerStartup(Lazy<TokenizerModel> model, TimeProvider clock, ILogger<TokenizerStartup> logger)
    : IHostedLifecycleService
{
    private const int WarmUpRounds = 40;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        var loaded = model.Value;
        // The first requests would otherwise pay for compiling the encoder.
        var ids = new List<int>();
        for (var i = 0; i < WarmUpRounds; i++)
        {
            ids.Clear();
            loaded.Tokenizer.Encode($"Warm-up {i}: it's 3.14 o'clock,\n\n naïve 你好 🙂 text!", UserRanges.None, addSpecialTokens: true, ids);
        }

        Log.Loaded(logger, loaded.Name, clock.GetElapsedTime(started).TotalMilliseconds, loaded.Tokenizer.Algorithm, loaded.Tokens.Count,
            loaded.TemplateNames.Count == 0 ? "none" : string.Join(", ", loaded.TemplateNames));
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
