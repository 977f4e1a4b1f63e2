using System.Text;

namespace Parley.ModelImporter.Inspection;

/// <summary>One module of a model, as transformers prints it.</summary>
/// <param name="Name">Name within its parent; empty for the model itself.</param>
/// <param name="Kind">Class, e.g. <c>Linear</c>.</param>
/// <param name="Arguments">What the class prints of itself; empty for a module that prints its children.</param>
/// <param name="Count">How many of it follow each other.</param>
/// <param name="Children">Modules inside.</param>
public sealed record ModelTreeNode(string Name, string Kind, string Arguments, int Count, IReadOnlyList<ModelTreeNode> Children)
{
    /// <summary>The module and all inside, indented.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        Append(text, 0);
        return text.ToString();
    }

    private void Append(StringBuilder text, int indent)
    {
        text.Append(' ', indent);
        if (Name.Length > 0)
            text.Append('(').Append(Name).Append("): ");
        if (Count > 1)
            text.Append(Count).Append(" x ");
        text.Append(Kind).Append('(').Append(Arguments);
        if (Children.Count > 0)
        {
            text.Append('\n');
            foreach (var child in Children)
                child.Append(text, indent + 2);
            text.Append(' ', indent);
        }

        text.Append(")\n");
    }
}
