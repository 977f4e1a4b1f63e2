using Parley.Gateway.Ollama;

namespace Parley.Gateway.Tests.Ollama;

/// <summary>A store of models that says what it is told to.</summary>
internal sealed class ScriptedPull : IModelPull
{
    public List<string> Names { get; } = [];

    /// <summary>Thrown after the first step, where set.</summary>
    public string? Fault { get; set; }

    /// <summary>Awaited after the first step.</summary>
    public Func<CancellationToken, Task> Work { get; set; } = _ => Task.CompletedTask;

    public async Task PullAsync(string name, IProgress<ModelPullProgress> progress, CancellationToken cancellationToken)
    {
        Names.Add(name);
        progress.Report(new ModelPullProgress("downloading", 5, 10));
        await Work(cancellationToken);
        if (Fault is not null)
            throw new ModelPullException(Fault);
        progress.Report(new ModelPullProgress("checking"));
    }
}
