using Parley.TestSupport;

namespace Parley.Gateway.Tests.Clients;

public sealed class ClientTableTests
{
    [Fact]
    public void ClientsPage_EveryCell_IsWhatTheTestsShow() => ClientTable.AssertTrue(typeof(ClientTableTests).Assembly);
}
