namespace Parley.Generator.Guides.Machines;

/// <summary>What encloses the value that is being written. Equal frames are the same object.</summary>
internal abstract class StackFrame
{
    /// <summary>Whether a state within says too little about whether the text can be ended: it depends on the frame too.</summary>
    public abstract bool IsOpen { get; }
}
