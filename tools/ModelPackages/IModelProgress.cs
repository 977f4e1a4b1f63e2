namespace Parley.ModelPackages;

/// <summary>Whoever shows what happens to a model until it is there. Called from any thread, where it happens.</summary>
internal interface IModelProgress
{
    /// <summary>A sentence for the one who waits.</summary>
    void Note(string sentence);

    /// <summary>How far a stage is; a new total is a new round of it.</summary>
    /// <param name="name">Its name, e.g. <c>download</c>.</param>
    /// <param name="done">Bytes that are done.</param>
    /// <param name="total">Bytes in all; 0 or less where nobody knows.</param>
    void Report(string name, long done, long total);
}
