using System.Text.Json.Serialization;

namespace Parley.Embedded.Tests;

[JsonConverter(typeof(JsonStringEnumConverter<Certainty>))]
internal enum Certainty
{
    Low,
    Middle,
    High,
}
