using System.Globalization;

namespace Parley.Embedded.Tests;

/// <summary>The sockets that this process, and no other of the machine, listens on.</summary>
internal static class OwnSockets
{
    private const string ListenState = "0A";
    private const int AddressColumn = 1;
    private const int StateColumn = 3;
    private const int InodeColumn = 9;

    /// <summary>Their addresses as Linux writes them.</summary>
    public static IReadOnlyList<string> Listening()
    {
        var own = new HashSet<string>(StringComparer.Ordinal);
        foreach (var link in Directory.GetFiles("/proc/self/fd"))
        {
            try
            {
                if (new FileInfo(link).LinkTarget is { } target && target.StartsWith("socket:[", StringComparison.Ordinal))
                    own.Add(target[8..^1]);
            }
            catch (IOException)
            {
                // It was closed meanwhile.
            }
        }

        return
        [
            .. new[] { "/proc/self/net/tcp", "/proc/self/net/tcp6" }.Where(File.Exists).SelectMany(File.ReadLines)
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Where(columns => columns.Length > InodeColumn && columns[StateColumn] == ListenState && own.Contains(columns[InodeColumn]))
                .Select(columns => string.Create(CultureInfo.InvariantCulture, $"{columns[AddressColumn]} {columns[InodeColumn]}")).Order(),
        ];
    }
}
