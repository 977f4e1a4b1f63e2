using System.Buffers;
using System.Text;

namespace Parley.Gateway.Completions;

/// <summary>Counts the characters (code points) of a text that comes in pieces of bytes, which may end within one.</summary>
internal sealed class CharacterCount(int start)
{
    private readonly byte[] _open = new byte[4];
    private int _openLength;

    /// <summary>Whole characters so far.</summary>
    public int Count { get; private set; } = start;

    public void Add(ReadOnlySpan<byte> utf8)
    {
        foreach (var value in utf8)
        {
            _open[_openLength++] = value;
            var state = Rune.DecodeFromUtf8(_open.AsSpan(0, _openLength), out _, out var length);
            if (state == OperationStatus.NeedMoreData)
                continue;
            Count++;
            // What is no character counts as one, and what came behind it begins anew.
            var rest = _open.AsSpan(length, _openLength - length).ToArray();
            _openLength = 0;
            if (rest.Length > 0)
                Add(rest);
        }
    }
}
