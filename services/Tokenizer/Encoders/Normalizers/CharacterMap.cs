using System.Buffers.Binary;
using System.Text.Unicode;

namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>
/// SentencePiece's <c>precompiled_charsmap</c>: a double-array trie over the bytes of what is replaced, and the replacements, each
/// ended by NUL, one after the other. Its first four bytes are the trie's size.
/// </summary>
internal sealed class CharacterMap
{
    private const uint HasLeaf = 1 << 8;
    private const uint FarOffset = 1 << 9;
    private const uint LabelMask = (1u << 31) | 0xFF;

    private readonly uint[] _trie;
    private readonly byte[] _replacements;

    /// <exception cref="ArgumentException">The bytes are no such map.</exception>
    public CharacterMap(ReadOnlySpan<byte> blob)
    {
        if (blob.Length < 4)
            throw new ArgumentException("is shorter than its header");
        var size = BinaryPrimitives.ReadUInt32LittleEndian(blob);
        if (size > blob.Length - 4 || size < 4 || size % 4 != 0)
            throw new ArgumentException($"announces a trie of {size} bytes, but has {blob.Length - 4}");
        _trie = new uint[size / 4];
        for (var i = 0; i < _trie.Length; i++)
            _trie[i] = BinaryPrimitives.ReadUInt32LittleEndian(blob[(4 + (4 * i))..]);
        _replacements = blob[(int)(4 + size)..].ToArray();
        if (!Utf8.IsValid(_replacements))
            throw new ArgumentException("holds replacements that are not UTF-8");
    }

    /// <summary>The replacement of the shortest entry that begins a text; not the longest: that is what the reference does.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="replacement">UTF-8; may be empty.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryReplace(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement)
    {
        replacement = default;
        var unit = _trie[0];
        var position = Offset(unit);
        foreach (var value in text)
        {
            position ^= value;
            if (value == 0 || position >= _trie.Length)
                return false;
            unit = _trie[position];
            if ((unit & LabelMask) != value)
                return false;
            position ^= Offset(unit);
            if ((unit & HasLeaf) == 0)
                continue;
            if (position >= _trie.Length)
                return false;
            var start = _trie[position] & int.MaxValue;
            if (start > _replacements.Length)
                return false;
            replacement = _replacements.AsSpan((int)start);
            var end = replacement.IndexOf((byte)0);
            if (end >= 0)
                replacement = replacement[..end];
            return true;
        }

        return false;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & FarOffset) >> 6);
}
