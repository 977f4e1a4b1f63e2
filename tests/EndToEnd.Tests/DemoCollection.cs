namespace Parley.EndToEnd.Tests;

/// <summary>Tests that share one running system.</summary>
[CollectionDefinition(Name)]
public sealed class DemoCollection : ICollectionFixture<DemoSystem>
{
    public const string Name = "demo";
}
