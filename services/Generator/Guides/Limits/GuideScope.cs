namespace Parley.Generator.Guides.Limits;

/// <summary>Work on a guide: see <see cref="GuideLimits.Enter"/>.</summary>
/// <param name="budgetBefore">What bounded this thread before.</param>
/// <param name="stoppedBefore">Its token.</param>
internal readonly struct GuideScope(GuideBudget? budgetBefore, CancellationToken stoppedBefore) : IDisposable
{
    public void Dispose() => GuideLimits.Leave(budgetBefore, stoppedBefore);
}
