using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Parley.Cli.Doctor.Machine;

/// <summary>Tries ports, and finds who has those that are taken.</summary>
internal static class PortReader
{
    private const string ListeningState = "0A";

    public static PortFacts Read(int port, string use)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return new PortFacts(port, use, null, null, null);
        }
        catch (SocketException exception)
        {
            var holder = exception.SocketErrorCode == SocketError.AddressAlreadyInUse ? FindHolder("/proc", port) : null;
            return new PortFacts(port, use, exception.Message, holder?.Name, holder?.Id);
        }
    }

    /// <summary>The process that listens on a port, as far as this user may look into others.</summary>
    /// <param name="proc">The folder of processes; tests give another.</param>
    /// <param name="port">The port.</param>
    internal static (string Name, int Id)? FindHolder(string proc, int port)
    {
        var sockets = new[] { "tcp", "tcp6" }.SelectMany(name => Lines(Path.Combine(proc, "net", name)))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            // number, own address:port, other address:port, state, six more, inode
            .Where(fields => fields.Length > 9 && fields[3] == ListeningState
                && fields[1].EndsWith(string.Create(CultureInfo.InvariantCulture, $":{port:X4}"), StringComparison.Ordinal))
            .Select(fields => $"socket:[{fields[9]}]").ToHashSet(StringComparer.Ordinal);
        if (sockets.Count == 0)
            return null;
        foreach (var folder in Directory.EnumerateDirectories(proc))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && Holds(folder, sockets))
                return (NameOf(folder), id);
        }

        return null;
    }

    private static bool Holds(string process, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(Path.Combine(process, "fd"))
                .Any(file => new FileInfo(file).LinkTarget is { } target && sockets.Contains(target));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The program as it was started; the kernel's own short name says "dotnet" of every one of ours.</summary>
    private static string NameOf(string process)
    {
        var words = string.Concat(Lines(Path.Combine(process, "cmdline"))).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        return words switch
        {
            [var host, var program, ..] when Path.GetFileName(host) == "dotnet" => Path.GetFileName(program),
            [var program, ..] => Path.GetFileName(program),
            _ => Lines(Path.Combine(process, "comm")).FirstOrDefault() ?? "?",
        };
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
