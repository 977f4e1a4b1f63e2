namespace Parley.Embedded.Tests;

/// <summary>Tests on the demo model, one after the other: each engine has the machine's threads.</summary>
[CollectionDefinition(Name)]
public sealed class DemoCollection : ICollectionFixture<DemoModel>
{
    public const string Name = "demo";
}
