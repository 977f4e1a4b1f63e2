using System.Collections.Concurrent;

namespace Parley.ModelImporter.Forms;

/// <summary>A panel for each thread, for all matrices of a checkpoint: memory does not grow with the model.</summary>
internal sealed class CodePanels
{
    private readonly ConcurrentDictionary<int, CodePanel> _panels = new();

    /// <summary>The panel of this thread.</summary>
    public CodePanel Own => _panels.GetOrAdd(Environment.CurrentManagedThreadId, _ => new CodePanel());
}
