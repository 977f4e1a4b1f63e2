using System.Collections;

namespace Parley.Gateway.Chat;

/// <summary>
/// The faults of one request. All are counted; only the first are kept, each of bounded length, because a request of a few megabytes can
/// have a million of them and what is said about it travels in headers.
/// </summary>
internal sealed class ViolationList : IReadOnlyList<ChatViolation>
{
    /// <summary>Faults that are kept.</summary>
    public const int KeptMax = 32;

    private const int FieldCharactersMax = 96;
    private const int DescriptionCharactersMax = 320;

    private readonly List<ChatViolation> _kept = [];

    public ViolationList()
    {
    }

    public ViolationList(IEnumerable<ChatViolation> violations)
    {
        foreach (var violation in violations)
            Add(violation);
    }

    /// <summary>How many are kept.</summary>
    public int Count => _kept.Count;

    /// <summary>How many there are beyond those that are kept.</summary>
    public int Left { get; private set; }

    public ChatViolation this[int index] => _kept[index];

    public void Add(string field, string description, ViolationReason reason = ViolationReason.Value) =>
        Add(new ChatViolation(field, description, reason));

    public void Add(ChatViolation violation)
    {
        if (_kept.Count == KeptMax)
        {
            Left++;
            return;
        }

        _kept.Add(violation with
        {
            Field = BoundedText.Cut(violation.Field, FieldCharactersMax),
            Description = BoundedText.Cut(violation.Description, DescriptionCharactersMax),
        });
    }

    /// <summary>The same faults under other names.</summary>
    public ViolationList Rename(Func<ChatViolation, string> nameOf) =>
        new(_kept.Select(violation => violation with { Field = nameOf(violation) })) { Left = Left };

    public IEnumerator<ChatViolation> GetEnumerator() => _kept.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
