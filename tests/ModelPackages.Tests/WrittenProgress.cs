namespace Parley.ModelPackages.Tests;

/// <summary>Writes down what a view would show: sentences, and stages that come to their end.</summary>
internal sealed class WrittenProgress : IModelProgress
{
    private readonly Lock _gate = new();
    private string _text = "";

    public string Text
    {
        get
        {
            lock (_gate)
                return _text;
        }
    }

    public void Note(string sentence)
    {
        lock (_gate)
            _text += sentence + "\n";
    }

    public void Report(string name, long done, long total)
    {
        if (total > 0 && done >= total)
            Note($"{name}: all");
    }
}
