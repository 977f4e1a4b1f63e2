namespace Parley.Gateway.Responses.Tags;

/// <summary>A tool that cannot be enforced as it is described.</summary>
/// <param name="tool">Its place among the tools.</param>
/// <param name="place">Where in it, e.g. <c>.function.parameters.properties.city</c>.</param>
/// <param name="message">Why, to follow the field's name.</param>
internal sealed class TagException(int tool, string place, string message) : Exception(message)
{
    public int Tool => tool;

    public string Place => place;
}
