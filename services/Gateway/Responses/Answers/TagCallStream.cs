using System.Text;
using Parley.Gateway.Responses.Patterns;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Answers;

/// <summary>Tells the arguments of a call that are written between tags, each when its closing tag is there.</summary>
/// <param name="tag">The pattern of one argument, with groups key and value.</param>
/// <param name="name">The function.</param>
/// <param name="tools">Say what the arguments are.</param>
internal sealed class TagCallStream(Pattern tag, string name, ToolSchemas tools) : ICallStream
{
    private readonly PatternScan _scan = new(tag, 0);
    private readonly PatternBudget _budget = new();
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);
    private int _earned;
    private bool _isOver;

    public int Started { get; private set; }

    public void Read(ReadOnlySpan<char> region, bool isWhole, CallSink sink)
    {
        if (Started == 0)
        {
            // What was not offered waits for the region's end.
            if (!tools.Knows(name) || !sink.Start(name))
                _isOver = true;
            else
                Started = 1;
        }

        if (_isOver)
            return;
        _budget.Earn(region.Length - _earned);
        _earned = region.Length;
        while (Next(region, isWhole) is { } match)
        {
            var key = tag.Captured("key", match, region) ?? "";
            var value = tag.Captured("value", match, region) ?? "";
            // Of a key that comes twice the last value counts, to readers of JSON too.
            var text = new StringBuilder(_keys.Count == 0 ? "{" : ", ");
            _keys.Add(key);
            text.Append(CallValues.Quoted(key)).Append(": ")
                .Append(CallValues.Text(ToolSchemas.Cast(value, tools.TypesOf(name, key))));
            sink.Add(text.ToString());
        }

        if (isWhole)
            sink.Add(_keys.Count == 0 ? "{}" : "}");
    }

    private PatternMatch? Next(ReadOnlySpan<char> region, bool isWhole)
    {
        while (true)
        {
            var isReady = _scan.Close(region, isWhole, _budget);
            if (isWhole && _scan.At >= region.Length)
                _scan.End();
            if (_scan.Settled is { } match)
            {
                _scan.Restart(match.Length > 0 ? match.End : match.End + 1);
                return match;
            }

            if (!isReady || _scan.At >= region.Length)
                return null;
            _scan.Read(region, _budget);
        }
    }
}
