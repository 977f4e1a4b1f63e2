namespace Parley.Gateway.Tests.Page;

/// <summary>Tests that share one browser.</summary>
[CollectionDefinition(Name)]
public sealed class ChromiumCollection : ICollectionFixture<Chromium>
{
    public const string Name = "chromium";
}
