using System.Security.Cryptography;

namespace Parley.Gateway.Responses.Answers;

/// <summary>Numbers the calls of an answer and gives them ids.</summary>
/// <param name="idCharacters">Letters and digits of an id, where only so many are allowed.</param>
/// <param name="isSingle">Only the first call is told.</param>
internal sealed class CallSink(int? idCharacters, bool isSingle)
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const int UsualCharacters = 24;

    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private readonly List<AnswerPart> _parts = [];
    private readonly HashSet<int> _dropped = [];

    /// <summary>Calls that have begun.</summary>
    public int Count { get; private set; }

    /// <summary>Calls that have begun and are calls still.</summary>
    public int Standing => Count - _dropped.Count;

    /// <summary>Begins a call; false where there may be no more.</summary>
    public bool Start(string name)
    {
        if (isSingle && Standing > 0)
            return false;
        _parts.Add(new AnswerPart.CallStarted(Count++, NewId(), name));
        return true;
    }

    /// <summary>More arguments of the call that began last.</summary>
    public void Add(string arguments)
    {
        if (arguments.Length > 0)
            _parts.Add(new AnswerPart.CallArguments(Count - 1, arguments));
    }

    /// <summary>The calls from a number on are none.</summary>
    public void DropFrom(int index)
    {
        for (; index < Count; index++)
        {
            if (_dropped.Add(index))
                _parts.Add(new AnswerPart.CallDropped(index));
        }
    }

    /// <summary>What was told since the last time.</summary>
    public void MoveTo(List<AnswerPart> parts)
    {
        parts.AddRange(_parts);
        _parts.Clear();
    }

    private string NewId()
    {
        string id;
        do
        {
            id = idCharacters is { } length
                ? RandomNumberGenerator.GetString(Alphabet, length)
                : "call_" + RandomNumberGenerator.GetString(Alphabet, UsualCharacters);
        }
        while (!_ids.Add(id));
        return id;
    }
}
