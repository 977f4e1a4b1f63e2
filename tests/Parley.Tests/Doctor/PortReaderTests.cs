using System.Net;
using System.Net.Sockets;
using Parley.Cli.Doctor.Machine;

namespace Parley.Cli.Tests.Doctor;

public sealed class PortReaderTests
{
    private const string Header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    [Fact]
    public void Read_OfAPortOfOurOwn_NamesThisProcess()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();

        var port = PortReader.Read(((IPEndPoint)listener.LocalEndpoint).Port, "a test");

        Assert.NotNull(port.Failure);
        if (OperatingSystem.IsLinux())
            Assert.Equal(Environment.ProcessId, port.HolderId);
    }

    [Fact]
    public void FindHolder_InAFolderOfProcesses_IsWhoListens()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells its sockets in files.");
        var proc = Directory.CreateTempSubdirectory("parley-proc-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(proc, "net"));
            // 0x13D8 is 5080; a connection to that port (state 01) and another port's listener are none.
            File.WriteAllText(Path.Combine(proc, "net", "tcp"), Header
                + "   0: 0100007F:13D8 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0\n"
                + "   1: 0100007F:13D9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0 0 10 0\n");
            File.WriteAllText(Path.Combine(proc, "net", "tcp6"), Header
                + "   0: 00000000000000000000000000000000:13D8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 "
                + "00000000     0        0 333 1 0 100 0 0 10 0\n");
            Process(proc, 41, "dotnet\0/srv/Other.dll\0", 222);
            Process(proc, 42, "/usr/bin/dotnet\0/srv/Parley.Gateway.dll\0--host\0", 333);

            Assert.Equal(("Parley.Gateway.dll", 42), PortReader.FindHolder(proc, 5080));
            Assert.Equal(("Other.dll", 41), PortReader.FindHolder(proc, 5081));
            Assert.Null(PortReader.FindHolder(proc, 5082));
        }
        finally
        {
            Directory.Delete(proc, recursive: true);
        }
    }

    private static void Process(string proc, int id, string commandLine, int inode)
    {
        var files = Directory.CreateDirectory(Path.Combine(proc, $"{id}", "fd")).FullName;
        File.WriteAllText(Path.Combine(proc, $"{id}", "cmdline"), commandLine);
        File.CreateSymbolicLink(Path.Combine(files, "3"), $"socket:[{inode}]");
    }
}
