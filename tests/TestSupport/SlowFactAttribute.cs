using System.Runtime.CompilerServices;
using Xunit.v3;

namespace Parley.TestSupport;

/// <summary>A fact of the slow set.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SlowFactAttribute : FactAttribute, ITraitAttribute
{
    public SlowFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber) => Skip = SlowSet.SkipReason;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => SlowSet.Traits;
}
