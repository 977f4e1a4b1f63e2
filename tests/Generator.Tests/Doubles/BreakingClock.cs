namespace Parley.Generator.Tests.Doubles;

/// <summary>The system's clock, until it is told to break: then it throws on the engine's thread, outside of any sequence's part.</summary>
internal sealed class BreakingClock : TimeProvider
{
    public bool IsBroken { get; set; }

    public override long GetTimestamp() => IsBroken && Thread.CurrentThread.Name == "parley-engine"
        ? throw new InvalidOperationException("the clock of 10.1.2.3 stands still")
        : base.GetTimestamp();
}
