using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

internal static class Formats
{
    public static Formula? Find(string name, AtomTable table) => null;
}
