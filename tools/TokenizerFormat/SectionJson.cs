using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Parley.TokenizerFormat;

/// <summary>How objects that a reader puts together become sections, compiled ahead.</summary>
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
internal sealed partial class SectionJson : JsonSerializerContext;
