using System.Text;

namespace Parley.Tokenizer.Detokenization;

/// <summary>The parts of a text that stop strings see and readers do not: special tokens, and what is dropped from its start.</summary>
internal sealed class HiddenRanges
{
    private readonly List<(int Start, int End)> _ranges = [];

    public void Add(int start, int length) => _ranges.Add((start, start + length));

    /// <summary>What a reader sees of the first characters of a text.</summary>
    public string Visible(ReadOnlySpan<char> text)
    {
        if (_ranges.Count == 0)
            return text.ToString();
        var visible = new StringBuilder(text.Length);
        var position = 0;
        foreach (var (start, end) in _ranges)
        {
            if (start >= text.Length)
                break;
            visible.Append(text[position..start]);
            position = Math.Min(end, text.Length);
        }

        return visible.Append(text[position..]).ToString();
    }

    /// <summary>Where the first characters of a text hold such parts.</summary>
    public IReadOnlyList<(int Start, int Length)> Within(int length) =>
    [
        .. _ranges.Where(range => range.Start < length && range.End > range.Start)
            .Select(range => (range.Start, Math.Min(range.End, length) - range.Start)),
    ];

    /// <summary>Moves on with a text whose first characters are gone.</summary>
    public void Drop(int length)
    {
        for (var i = 0; i < _ranges.Count; i++)
            _ranges[i] = (Math.Max(0, _ranges[i].Start - length), _ranges[i].End - length);
        _ranges.RemoveAll(range => range.End <= 0);
    }
}
