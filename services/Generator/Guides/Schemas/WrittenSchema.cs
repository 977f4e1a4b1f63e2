using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Schemas;

/// <summary>A schema that stands in the document.</summary>
internal sealed class WrittenSchema : Schema
{
    private readonly SchemaReader _reader;
    private readonly Formula?[] _byKind = new Formula?[7];
    private readonly bool[] _reading = new bool[7];
    private IReadOnlyList<string>? _names;

    public WrittenSchema(SchemaReader reader, JsonTree place, SchemaResource resource)
    {
        (_reader, Place, Resource) = (reader, place, resource);
    }

    /// <summary>Where it stands.</summary>
    public JsonTree Place { get; }

    /// <summary>What its references start from.</summary>
    public SchemaResource Resource { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Names => _names ??= PropertyNames.Of(this, _reader);

    /// <inheritdoc/>
    public override Formula For(JsonKind kind)
    {
        ref var known = ref _byKind[(int)kind];
        if (known is not null)
            return known;
        if (_reading[(int)kind])
            throw new GuideException(Place.Pointer, "a reference leads back to the schema that it stands in, without going into a value");
        _reading[(int)kind] = true;
        try
        {
            return known = _reader.Read(this, kind);
        }
        finally
        {
            _reading[(int)kind] = false;
        }
    }
}
