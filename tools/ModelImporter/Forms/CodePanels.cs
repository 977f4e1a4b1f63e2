namespace Parley.ModelImporter.Forms;

/// <summary>A panel for each thread, for all matrices of a checkpoint: memory does not grow with the model.</summary>
internal sealed class CodePanels
{
    private readonly ThreadLocal<CodePanel> _panels = new(() => new CodePanel());

    /// <summary>The panel of this thread.</summary>
    public CodePanel Own => _panels.Value!;
}
