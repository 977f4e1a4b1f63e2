using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>How large groups are, by what the configuration says and what scales are there.</summary>
internal static class GroupSizes
{
    private const int SizeMax = 1 << 24;

    /// <summary>The size in a configuration; null for whole columns, which is −1 or no number.</summary>
    public static int? Read(ConfigFile config, string field) =>
        config.Has(field) && config.Int(field, -1, SizeMax) is > 0 and var size ? size : null;

    /// <summary>Groups after each other.</summary>
    /// <param name="scales">Named where they do not fit.</param>
    /// <param name="columns">Columns of the matrix.</param>
    /// <param name="count">Groups that there are scales for.</param>
    /// <param name="size">What the configuration says; it may be that of other modules.</param>
    /// <exception cref="InvalidDataException">No size fits.</exception>
    public static ColumnGroups Even(StoredSource scales, int columns, int count, int? size)
    {
        if (size is { } said && (columns + (long)said - 1) / said == count)
            return ColumnGroups.Even(columns, said);
        if (columns % count == 0)
            return ColumnGroups.Even(columns, columns / count);
        throw ModuleParts.Refuse(scales, $"scales for groups that divide {columns} inputs; {count} do not");
    }
}
