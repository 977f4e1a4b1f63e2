namespace Parley.Generator.Execution.Kernels;

/// <summary>A node of a session.</summary>
internal abstract unsafe class CustomOpNode
{
    /// <summary>Computes its outputs. What it throws becomes the status of the run.</summary>
    public abstract void Compute(void* context);
}
