using System.Text;
using Parley.Tokenizer.V1;

namespace Parley.Gateway.Tests.Doubles;

/// <summary>One sequence of the fake Tokenizer, written for clarity: it decodes everything again for each token.</summary>
internal sealed class FakeDetokenizer(uint sequence, DetokenizeStart start)
{
    private readonly List<byte> _bytes = [];
    private readonly List<(int Start, int Length)> _special = [];
    private int _told;
    private uint _read;

    public bool IsFinal { get; private set; }

    public DetokenizeResponse Add(IEnumerable<uint> ids)
    {
        foreach (var id in ids)
        {
            _read++;
            if (id < 256)
                _bytes.Add((byte)id);
            else if (start.MarkSpecialTokens && FakeTokenizer.Specials.TryGetValue(id, out var special))
                AddSpecial(special);
            var text = Complete();
            var (at, stop) = start.Stop.Select(one => (At: text.IndexOf(one, StringComparison.Ordinal), Stop: one))
                .Where(match => match.At >= 0).OrderBy(match => match.At).FirstOrDefault((-1, ""));
            if (at >= 0)
                return Answer(text[..(at + (start.IncludeStop ? stop.Length : 0))], stop, final: true);
        }

        var whole = Complete();
        var held = start.Stop.Select(stop => Enumerable.Range(1, stop.Length - 1).Reverse()
            .FirstOrDefault(length => whole.EndsWith(stop[..length], StringComparison.Ordinal))).DefaultIfEmpty(0).Max();
        return Answer(whole[..^held], null, final: false);
    }

    public DetokenizeResponse End() => Answer(Encoding.UTF8.GetString([.. _bytes]), null, final: true);

    private DetokenizeResponse Answer(string text, string? stop, bool final)
    {
        var response = new DetokenizeResponse
        {
            Sequence = sequence,
            Text = text[Math.Min(_told, text.Length)..],
            TokensRead = _read,
            Final = final
        };
        response.SpecialRanges.AddRange(_special.Where(range => range.Start >= _told && range.Start < text.Length)
            .Select(range => new TextRange { Start = (uint)(range.Start - _told), Length = (uint)range.Length }));
        _told = Math.Max(_told, text.Length);
        IsFinal = final;
        if (stop is not null)
            response.Stop = stop;
        return response;
    }

    private void AddSpecial(string special)
    {
        _special.Add((Complete().Length, special.Length));
        _bytes.AddRange(Encoding.UTF8.GetBytes(special));
    }

    /// <summary>The text without an incomplete character at its end.</summary>
    private string Complete()
    {
        var chars = new char[_bytes.Count + 1];
        Encoding.UTF8.GetDecoder().Convert([.. _bytes], chars, flush: false, out _, out var used, out _);
        return new string(chars, 0, used);
    }
}
