using System.Runtime.CompilerServices;
using Xunit.v3;

namespace Parley.TestSupport;

/// <summary>A theory of the slow set.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SlowTheoryAttribute : TheoryAttribute, ITraitAttribute
{
    public SlowTheoryAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber) => Skip = SlowSet.SkipReason;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => SlowSet.Traits;
}
