using System.Text.Json.Serialization;

namespace Parley.Gateway.Ollama;

[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(string))]
internal sealed partial class ContextJson : JsonSerializerContext;
