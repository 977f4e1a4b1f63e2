using System.Text.Json;

namespace Parley.Gateway.OpenAi;

/// <summary>A field that exists elsewhere and has no setting here.</summary>
/// <param name="AsksForNothing">Whether a value asks for nothing, or for what is done anyway.</param>
/// <param name="Supported">Such values in words, for the refusal of others.</param>
/// <param name="Tells">Whether the author hears that it was read over: it cannot change the text, and is not done either.</param>
internal sealed record OtherField(Func<JsonElement, bool> AsksForNothing, string Supported, Func<JsonElement, bool>? Tells = null)
{
    /// <summary>Such values as a JSON schema.</summary>
    public string Schema { get; init; } = "{}";

    /// <summary>Whether its author hears that a value was read over.</summary>
    public bool IsTold(JsonElement value) => Tells?.Invoke(value) == true;

    /// <summary>Whatever it says, the answer is the same.</summary>
    public static OtherField Any { get; } = new(_ => true, "");

    /// <summary>The same, but its author should hear that nothing is done about it.</summary>
    public static OtherField Told { get; } = new(_ => true, "", _ => true);

    /// <summary>The same where the value is not false or empty.</summary>
    public static OtherField ToldWhereTrue { get; } = new(
        _ => true, "", value => value.ValueKind != JsonValueKind.False && !RequestFields.IsEmpty(value));

    public static OtherField Empty { get; } = new(RequestFields.IsEmpty, "null or an empty value")
    {
        Schema = """{"enum":[null,"",[],{}]}""",
    };

    public static OtherField False { get; } = new(value => value.ValueKind == JsonValueKind.False, "false")
    {
        Schema = """{"enum":[null,false]}""",
    };

    public static OtherField True { get; } = new(value => value.ValueKind == JsonValueKind.True, "true")
    {
        Schema = """{"enum":[null,true]}""",
    };

    public static OtherField FalseOrEmpty { get; } = new(
        value => value.ValueKind == JsonValueKind.False || RequestFields.IsEmpty(value), "false or an empty value")
    {
        Schema = """{"enum":[null,false,"",[],{}]}""",
    };

    public static OtherField Number(params double[] numbers) => new(
        value => numbers.Any(number => RequestFields.IsNumber(value, number)), string.Join(" or ", numbers))
    {
        Schema = $$"""{"enum":[null,{{string.Join(',', numbers)}}]}""",
    };

    public static OtherField Text(params string[] texts) => new(
        value => RequestFields.IsEmpty(value) || RequestFields.IsAnyOf(value, texts),
        string.Join(" or ", texts.Select(text => $"'{text}'")))
    {
        Schema = $$"""{"enum":[null,"",[],{},{{string.Join(',', texts.Select(text => $"\"{text}\""))}}]}""",
    };
}
