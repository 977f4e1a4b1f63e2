using Parley.Gateway.Ollama;
using Parley.ModelHub;
using Parley.ModelHub.Naming;

namespace Parley.Cli.Hub;

/// <summary>Models for callers of the Gateway: fetched as <c>parley pull</c> does, into this machine's cache.</summary>
/// <param name="variables">The environment that names the Hub and the cache.</param>
internal sealed class HubModelPull(Func<string, string?> variables) : IModelPull
{
    public async Task PullAsync(string name, IProgress<ModelPullProgress> progress, CancellationToken cancellationToken)
    {
        try
        {
            using var hub = HubAccess.From(variables);
            var reference = ModelReference.Parse(name);
            progress.Report(new ModelPullProgress("looking it up"));
            await new ModelDownload(
                hub, (stage, done, total) => progress.Report(new ModelPullProgress(stage, done, total)),
                sentence => progress.Report(new ModelPullProgress(sentence))).RunAsync(reference, cancellationToken);
        }
        catch (Exception exception) when (exception is HubException or InvalidDataException)
        {
            throw new ModelPullException(exception.Message, exception);
        }
    }
}
