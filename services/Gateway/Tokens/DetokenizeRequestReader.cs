using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Tokens;

/// <summary>The body of <c>/detokenize</c>: <c>tokens</c>.</summary>
internal sealed class DetokenizeRequestReader(UnknownFields unknown)
{
    private readonly RequestFields _fields = new();

    public ViolationList Violations => _fields.Violations;

    public IReadOnlyCollection<string> Ignored => _fields.Ignored;

    public (string Model, IReadOnlyList<uint> Ids) Read(JsonElement body)
    {
        IReadOnlyList<uint>? ids = null;
        var model = "";
        foreach (var (name, field, value) in _fields.Members("", body))
        {
            if (name == "tokens")
                ids = _fields.Ids(field, value);
            else if (name == "model")
                model = _fields.Text(field, value) ?? "";
            else if (unknown == UnknownFields.Refuse)
                _fields.Refuse(field, "is unknown", ViolationReason.Unknown);
            else
                _fields.Ignore(field);
        }

        if (ids is null)
            _fields.Refuse("tokens", "is missing", ViolationReason.Missing);
        return (model, ids ?? []);
    }
}
