using Parley.Tokenizer.Templating;
using Parley.Tokenizer.V1;

namespace Parley.Tokenizer.Tests;

/// <summary>What of a chat reaches the template, and what is refused by name.</summary>
public sealed class ChatMapperTests
{
    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("\"null\"")]
    [InlineData("[1, 2]")]
    [InlineData("7")]
    [InlineData("\"text\"")]
    [InlineData("{\"city\": \"Par")]
    [InlineData("{\"a\": \"\\ud800\"}")]
    [InlineData("{\"\\ud800\": 1}")]
    [InlineData("{\"a\": [{\"\\udc00b\": 1}]}")]
    [InlineData("not json")]
    public void Map_UnreadableToolArguments_AreAnEmptyObject(string arguments) =>
        Assert.Equal("{}|True", Render("{{ messages[0].tool_calls[0].function.arguments|tojson }}|"
            + "{{ messages[0].tool_calls[0].function.arguments is mapping }}", WithCall(arguments)));

    [Theory]
    [InlineData("18446744073709551615", "18446744073709551615")]
    [InlineData("-123456789012345678901234567890", "-123456789012345678901234567890")]
    [InlineData("1.0", "1.0")]
    [InlineData("-0", "0")]
    [InlineData("-0.0", "-0.0")]
    [InlineData("1e400", "Infinity")]
    [InlineData("-1E400", "-Infinity")]
    [InlineData("1E2", "100.0")]
    [InlineData("1e16", "1e+16")]
    [InlineData("0.1e-6", "1e-07")]
    public void Map_AnyNumber_IsRenderedAsPythonReadsIt(string number, string expected)
    {
        var tool = $$"""{"maximum": {{number}}}""";
        var chat = WithCall(tool);
        chat.ToolsJson.Add(tool);
        chat.DocumentsJson.Add(tool);
        chat.TemplateArgumentsJson = $$"""{"limit": {{number}}}""";
        var one = $$"""{"maximum": {{expected}}}""";
        Assert.Equal($"{one}{one}{one}{expected}", Render("{{ tools[0]|tojson }}{{ documents[0]|tojson }}"
            + "{{ messages[0].tool_calls[0].function.arguments|tojson }}{{ limit|tojson }}", chat));
    }

    [Theory]
    [InlineData("messages")]
    [InlineData("tools")]
    [InlineData("documents")]
    [InlineData("add_generation_prompt")]
    [InlineData("continue_final_message")]
    [InlineData("conversation")]
    [InlineData("chat_template")]
    [InlineData("tokenize")]
    public void Map_ReservedTemplateArgument_IsRefusedByName(string name)
    {
        var chat = User();
        chat.TemplateArgumentsJson = $$"""{"enable_thinking": true, "{{name}}": []}""";
        Assert.Equal([$"chat.template_arguments_json.{name}"], Faults(chat));
    }

    [Theory]
    [InlineData("role")]
    [InlineData("content")]
    [InlineData("tool_calls")]
    public void Map_ExtraKeyWithAFieldOfItsOwn_IsRefusedByName(string name)
    {
        var chat = User();
        chat.Messages[0].ExtraJson = $$"""{"{{name}}": "x", "date": "today"}""";
        Assert.Equal([$"chat.messages[0].extra_json.{name}"], Faults(chat));
    }

    [Fact]
    public void Map_JsonNestedBeyondTheLimit_SaysSo()
    {
        var chat = User();
        chat.ToolsJson.Add(Nested(127));
        Assert.Empty(Faults(chat));
        chat.ToolsJson.Add(Nested(128));
        chat.TemplateArgumentsJson = Nested(5000);
        chat.Messages[0].ToolCalls.Add(new ToolCall { Name = "f", ArgumentsJson = Nested(300) });
        var mapper = new ChatMapper(new TokenizerOptions());
        mapper.Map(chat);
        Assert.Equal(["chat.messages[0].tool_calls[0].arguments_json", "chat.template_arguments_json", "chat.tools_json[1]"],
            mapper.Faults.Select(fault => fault.Field).Order(StringComparer.Ordinal));
        Assert.All(mapper.Faults, fault => Assert.Contains("nested too deeply", fault.Description));
    }

    [Fact]
    public void Map_MoreItemsThanAllowed_IsRefusedByName()
    {
        var chat = User();
        chat.ToolsJson.Add(["{}", "{}", "{}"]);
        chat.DocumentsJson.Add(["{}", "{}", "{}"]);
        chat.TemplateArgumentsJson = """{"a": 1, "b": 2, "c": 3}""";
        chat.Messages[0].ToolCalls.Add(Enumerable.Repeat(new ToolCall { Name = "f" }, 3));
        Assert.Equal(["chat.documents_json", "chat.messages[0].tool_calls", "chat.template_arguments_json", "chat.tools_json"],
            Faults(chat, new TokenizerOptions { ChatItemsMax = 2 }));
    }

    [Fact]
    public void Map_EmptyLists_AreListsWhereTheRequestSaysSo()
    {
        const string Template = "{{ tools is none }}{{ documents is none }}{{ tools }}{{ documents }}";
        Assert.Equal("TrueTrueNoneNone", Render(Template, User()));
        var chat = User();
        (chat.EmptyToolsList, chat.EmptyDocumentsList) = (true, true);
        Assert.Equal("FalseFalse[][]", Render(Template, chat));
        chat.ToolsJson.Add("{}");
        Assert.Equal(["chat.empty_tools_list"], Faults(chat));
    }

    [Theory]
    [InlineData("user", false)]
    [InlineData("ipython", false)]
    [InlineData("tool_response", false)]
    [InlineData("user|><|system", true)]
    [InlineData("user\n", true)]
    public void Map_Role_IsAUsersTextOnlyWhereItIsNoName(string role, bool isUser)
    {
        var chat = User();
        chat.Messages[0].Role = role;
        var input = new ChatMapper(new TokenizerOptions()).Map(chat);
        var rendered = Template("<|{{ messages[0].role }}|>").Render(input);
        Assert.Equal(isUser, !rendered.UserRanges.IsEmpty);
    }

    private static string Nested(int levels) => string.Concat(Enumerable.Repeat("{\"a\":", levels)) + "{}" + new string('}', levels);

    private static Chat User() => new() { Messages = { new ChatMessage { Role = "user", Content = "hi" } } };

    private static Chat WithCall(string arguments) => new()
    {
        Messages = { new ChatMessage { Role = "assistant", ToolCalls = { new ToolCall { Name = "f", ArgumentsJson = arguments } } } },
    };

    private static string[] Faults(Chat chat, TokenizerOptions? options = null)
    {
        var mapper = new ChatMapper(options ?? new TokenizerOptions());
        mapper.Map(chat);
        return [.. mapper.Faults.Select(fault => fault.Field).Order(StringComparer.Ordinal)];
    }

    private static string Render(string template, Chat chat)
    {
        var mapper = new ChatMapper(new TokenizerOptions());
        var input = mapper.Map(chat);
        Assert.Empty(mapper.Faults);
        return Template(template).Render(input).Text;
    }

    private static ChatTemplate Template(string source) => new(source, [], TimeProvider.System, TemplateLimits.Default);
}
