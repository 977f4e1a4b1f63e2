using System.Text.Json.Nodes;

namespace Parley.Gateway.ApiDescription;

/// <summary>A part of a request beside its body.</summary>
/// <param name="Place"><c>path</c>, <c>query</c> or <c>header</c>.</param>
/// <param name="Name">Of the parameter.</param>
/// <param name="Schema">What it may be.</param>
/// <param name="Text">What it does.</param>
internal sealed record Parameter(string Place, string Name, JsonObject Schema, string Text);
