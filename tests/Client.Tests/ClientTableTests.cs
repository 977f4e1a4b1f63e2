using Parley.TestSupport;

namespace Parley.Client.Tests;

public sealed class ClientTableTests
{
    [Fact]
    public void ClientsPage_EveryCell_IsWhatTheTestsShow() => ClientTable.AssertTrue(typeof(ClientTableTests).Assembly);
}
