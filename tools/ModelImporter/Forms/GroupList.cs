using System.Runtime.InteropServices;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>A tensor that says for each column of a matrix which group it is of.</summary>
internal static class GroupList
{
    /// <summary>The columns of groups as the tensor has them; null where it says nothing, which is −1 for all.</summary>
    /// <exception cref="InvalidDataException">It has another shape, or a number is no group.</exception>
    public static ColumnGroups? Read(StoredSource source, int columns, int groups)
    {
        ModuleParts.Check(source, columns);
        var list = new int[columns];
        source.ReadBytes(null, 0, MemoryMarshal.AsBytes(list.AsSpan()));
        if (!list.AsSpan().ContainsAnyExcept(-1))
            return null;
        return ColumnGroups.Listed(list, groups)
            ?? throw ModuleParts.Refuse(source, $"numbers from 0 to {groups - 1}, the group of each column, and not {Wrong(list, groups)}");
    }

    private static int Wrong(int[] list, int groups) => list.First(group => (uint)group >= (uint)groups);
}
