using Parley.Gateway.Ollama;
using Parley.ModelHub;
using Parley.ModelHub.Naming;
using Parley.ModelPackages;

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
            await new ModelDownload(hub, new Told(progress)).RunAsync(reference, cancellationToken);
        }
        catch (Exception exception) when (exception is HubException or InvalidDataException)
        {
            throw new ModelPullException(exception.Message, exception);
        }
    }

    private sealed class Told(IProgress<ModelPullProgress> caller) : IModelProgress
    {
        public void Note(string sentence) => caller.Report(new ModelPullProgress(sentence));

        public void Report(string name, long done, long total) => caller.Report(new ModelPullProgress(name, done, total));
    }
}
