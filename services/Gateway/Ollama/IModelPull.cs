namespace Parley.Gateway.Ollama;

/// <summary>
/// Fetches a model onto this machine for <c>/api/pull</c>. A host that keeps models registers one; a Gateway by itself has no place for
/// them. One call at a time.
/// </summary>
public interface IModelPull
{
    /// <summary>Returns once the model is there, whole and checked.</summary>
    /// <param name="name">As the caller wrote it, e.g. <c>org/model</c>.</param>
    /// <param name="progress">Told in order, on any thread.</param>
    /// <param name="cancellationToken">The caller's: what was fetched until then is kept.</param>
    /// <exception cref="ModelPullException">It could not be fetched; the message is for the caller.</exception>
    Task PullAsync(string name, IProgress<ModelPullProgress> progress, CancellationToken cancellationToken);
}
