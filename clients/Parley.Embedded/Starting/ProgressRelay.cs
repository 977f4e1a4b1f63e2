using Parley.ModelPackages;

namespace Parley.Embedded.Starting;

/// <summary>Hands on what happens to a model to whoever asked to hear of it.</summary>
internal sealed class ProgressRelay(IProgress<ParleyProgress>? listener) : IModelProgress
{
    public void Note(string sentence) => listener?.Report(new ParleyProgress(null, 0, 0, sentence));

    public void Report(string name, long done, long total)
    {
        if (total > 0)
            listener?.Report(new ParleyProgress(name, done, total, null));
    }
}
